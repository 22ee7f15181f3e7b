"""The engine's output for three weeks changes only if somebody intends it."""

from tests import records
from tests.engine.three_weeks import RECORD, told


def test_the_engine_says_of_three_weeks_what_it_said_when_it_was_recorded() -> None:
    records.compare(RECORD, told())
