"""What the engine reads in frames, messages, paths, commits and versions stays as it was."""

from tests import records
from tests.engine.readings import RECORD, read_again


def test_all_is_read_as_it_was_when_it_was_recorded() -> None:
    records.compare(RECORD, read_again())
