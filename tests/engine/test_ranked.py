"""The engine's suspects change only if somebody intends it."""

from tests import records
from tests.engine.ranked import RECORD, told


def test_the_engine_suspects_whom_it_suspected_when_it_was_recorded() -> None:
    records.compare(RECORD, told())
