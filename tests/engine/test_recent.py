"""The errors of half an hour before a deploy, whatever order and gaps they come in."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.memory.recent import BEFORE_MIN, count_recent, errors_before
from engine.memory.records import scope_key
from engine.memory.state import State
from shared.incident import ErrorRate

SCOPE = ("shop", "production")
START = 29_000_000


@given(st.lists(st.integers(0, 300), max_size=120).map(sorted), st.integers(0, 29))
def test_errors_are_counted_by_whole_minutes(minutes: list[int], late: int) -> None:
    state = State()
    for minute in minutes:
        count_recent(state, scope_key(SCOPE), (START + minute) * 60.0 + 59.9)
    deployed = (minutes[-1] if minutes else 0) + 1 - late
    found = errors_before(state, SCOPE, (START + deployed) * 60.0)
    first = max(deployed - BEFORE_MIN, minutes[0] if minutes else deployed)
    if first >= deployed:
        assert found is None
        return
    counted = Counter(minutes)
    events = sum(counted[minute] for minute in range(first, deployed))
    assert found == ErrorRate(events, float(deployed - first))


@given(st.lists(st.integers(-5_000, 5_000), max_size=80))
def test_no_time_breaks_the_count_or_makes_it_long(minutes: list[int]) -> None:
    state = State()
    for minute in minutes:
        count_recent(state, scope_key(SCOPE), (START + minute) * 60.0)
        assert sum(len(recent.counts) for recent in state.recent.values()) <= 61
    found = errors_before(state, SCOPE, START * 60.0)
    assert found is None or 0 <= found.events <= len(minutes)
