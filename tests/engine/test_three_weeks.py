"""The engine's output for three weeks changes only if somebody intends it."""

import difflib

from tests.engine.three_weeks import RECORD, told


def test_the_engine_says_of_three_weeks_what_it_said_when_it_was_recorded() -> None:
    recorded = RECORD.read_text().splitlines()
    difference = list(difflib.unified_diff(recorded, list(told()), "recorded", "said", n=2))
    assert not difference, (
        "\n".join(difference[:60])
        + "\nWhere that is meant: python -m tests.engine.three_weeks, and read the difference."
    )
