"""Events of one trace or one user are one trouble, and count once in the statistics."""

import pytest

from engine.memory.retries import MOST_HEARD, is_retry
from engine.memory.state import State
from shared.pipe import Inbound
from tests import builders
from tests.engine.drive import run, told

MINUTE = 60.0


def steady(count: int) -> list[Inbound]:
    """An event every ten minutes."""
    return [builders.event_entry(1 + n, 10 * MINUTE * n) for n in range(count)]


def burst(names: list[dict[str, object]]) -> list[tuple[str, str]]:
    """What is told of events with these names, one a second, in a stream that is quiet."""
    known, at = steady(300), 300 * 10 * MINUTE
    later = [builders.event_entry(301 + n, at + n, **fields) for n, fields in enumerate(names)]
    return told(run([*known, *later]))[1:]


@pytest.mark.parametrize("name", ["trace_id", "user_id"])
def test_retries_of_one_trace_or_user_are_no_spike(name: str) -> None:
    assert burst([{name: "the same"}] * 100) == []


@pytest.mark.parametrize("name", ["trace_id", "user_id"])
def test_as_many_events_of_different_ones_are_a_spike(name: str) -> None:
    assert burst([{name: f"number {n}"} for n in range(100)]) == [("opened", "spike")]


def test_events_that_name_neither_count_each_for_itself() -> None:
    assert burst([{}] * 100) == [("opened", "spike")]


def test_one_user_with_many_traces_is_one_trouble() -> None:
    assert burst([{"user_id": "one", "trace_id": f"trace {n}"} for n in range(100)]) == []


def test_each_event_is_counted_in_its_issue_and_so_are_the_retries() -> None:
    state = State()
    run([builders.event_entry(n, n, trace_id="the same") for n in range(1, 11)], state)
    (issue,) = state.issues.values()
    assert (issue.count, issue.retries) == (10, 9)


def test_a_trace_that_goes_on_counts_again_after_a_minute_or_two() -> None:
    state = State()
    run([builders.event_entry(1, 0)], state)
    (issue,) = state.issues.values()
    event = builders.event_entry(2, 1, trace_id="goes on")
    counted = [at for at in range(0, 600, 5) if not is_retry(issue, event, float(at))]
    assert counted == [0, 120, 240, 360, 480]


def test_what_is_remembered_is_bounded() -> None:
    state = State()
    run([builders.event_entry(1, 0)], state)
    (issue,) = state.issues.values()
    for n in range(1_000):
        event = builders.event_entry(2, 1, trace_id=f"trace {n}", user_id=f"user {n}")
        assert not is_retry(issue, event, 1.0)
    assert len(issue.heard) <= 7 * MOST_HEARD


def test_the_same_name_of_a_user_and_a_trace_are_two() -> None:
    state = State()
    run([builders.event_entry(1, 0)], state)
    (issue,) = state.issues.values()
    assert not is_retry(issue, builders.event_entry(2, 1, trace_id="a"), 1.0)
    assert not is_retry(issue, builders.event_entry(3, 2, user_id="a"), 2.0)
