"""What the engine reads in frames, messages, paths, commits and versions stays as it was."""

import difflib

from tests.engine.readings import RECORD, read_again


def test_all_is_read_as_it_was_when_it_was_recorded() -> None:
    recorded = RECORD.read_text().splitlines()
    difference = list(difflib.unified_diff(recorded, list(read_again(recorded)), n=0))
    assert not difference, (
        "\n".join(difference[:60])
        + "\nWhere that is meant: python -m tests.engine.readings, and read the difference."
    )
