"""Events of one trace or one user are one trouble, and count once in the statistics."""

import pytest

from engine.memory.retries import MOST_HEARD, hear
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


def counted(names: list[tuple[float, dict[str, object]]]) -> tuple[list[bool], bytes]:
    """Which events with these names, each at its time, count; and what is remembered of them."""
    heard, found = b"", []
    for at, fields in names:
        retry, heard = hear(heard, builders.event_entry(2, at, **fields), at)
        found.append(not retry)
    return found, heard


def test_a_trace_that_goes_on_counts_again_after_a_minute_or_two() -> None:
    times = [float(at) for at in range(0, 600, 5)]
    found, _ = counted([(at, {"trace_id": "goes on"}) for at in times])
    assert [at for at, counts in zip(times, found, strict=True) if counts] == [
        0,
        120,
        240,
        360,
        480,
    ]


def test_a_trace_that_was_heard_out_of_order_is_as_old_as_its_own_minute() -> None:
    found, _ = counted(
        [
            (9 * MINUTE, {"trace_id": "a"}),
            (10 * MINUTE, {"trace_id": "b"}),
            (9 * MINUTE, {"trace_id": "late"}),
            (11 * MINUTE, {"trace_id": "late"}),
        ]
    )
    assert found == [True, True, True, True]


def test_what_is_remembered_is_bounded() -> None:
    names: list[tuple[float, dict[str, object]]] = [
        (1.0, {"trace_id": f"trace {n}", "user_id": f"user {n}"}) for n in range(1_000)
    ]
    found, heard = counted(names)
    assert all(found)
    assert len(heard) <= 7 * MOST_HEARD


def test_the_same_name_of_a_user_and_a_trace_are_two() -> None:
    assert counted([(1.0, {"trace_id": "a"}), (2.0, {"user_id": "a"})])[0] == [True, True]
