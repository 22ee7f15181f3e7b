"""The engine's suspects change only if somebody intends it."""

import difflib

from tests.engine.ranked import RECORD, told


def test_the_engine_suspects_whom_it_suspected_when_it_was_recorded() -> None:
    recorded = RECORD.read_text().splitlines()
    difference = list(difflib.unified_diff(recorded, list(told()), "recorded", "said", n=2))
    assert not difference, (
        "\n".join(difference[:60])
        + "\nWhere that is meant: python -m tests.engine.ranked, and read the difference."
    )
