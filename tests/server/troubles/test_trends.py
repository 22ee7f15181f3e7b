"""What shows only over time: growth, missing checkpoints, many restarts, a disk that fills."""

from server.storage.main.checkpoints import Progress
from server.troubles.trends import (
    GROWS_FOR_S,
    MANY_RESTARTS,
    NO_CHECKPOINT_FOR_S,
    WITHIN_S,
    Growth,
    Low,
    NoCheckpoint,
    Restarts,
)


def test_a_queue_grows_when_it_was_longer_at_each_look_for_half_a_minute() -> None:
    growth = Growth()
    assert [growth.grows(each, each * 5.0) for each in range(1, 8)] == [False] * 6 + [True]
    assert GROWS_FOR_S == 30


def test_a_queue_that_is_emptied_does_not_grow_however_long_it_is() -> None:
    growth = Growth()
    lengths = [100_000, 90_000, 80_000, 80_000, 70_000, 60_000, 50_000, 40_000, 40_000]
    assert not any(growth.grows(each, now * 5.0) for now, each in enumerate(lengths))


def test_one_look_without_growth_begins_anew() -> None:
    growth = Growth()
    lengths = [1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13]
    found = [growth.grows(each, now * 5.0) for now, each in enumerate(lengths)]
    assert found == [False] * 13 + [True]


def test_a_checkpoint_is_overdue_after_five_minutes_of_decisions_without_one() -> None:
    overdue = NoCheckpoint()
    assert not overdue.is_overdue(Progress(10, 10), 0)
    for minute in range(1, 6):
        assert not overdue.is_overdue(Progress(10, 10 + minute), minute * 60.0)
    assert overdue.is_overdue(Progress(10, 20), 60.0 + NO_CHECKPOINT_FOR_S)
    assert overdue.is_overdue(Progress(10, 20), 9_999.0)
    assert not overdue.is_overdue(Progress(20, 20), 10_000.0)


def test_while_nothing_is_decided_no_checkpoint_is_missed() -> None:
    overdue = NoCheckpoint()
    assert not overdue.is_overdue(Progress(10, 12), 0)
    assert not overdue.is_overdue(Progress(10, 12), 9_999.0)
    assert not overdue.is_overdue(Progress(10, 13), 10_000.0)
    assert not overdue.is_overdue(Progress(10, 13), 20_000.0)


def test_five_restarts_within_two_minutes_are_many() -> None:
    restarts = Restarts()
    found = [restarts.are_many(count, count * 10.0) for count in range(MANY_RESTARTS + 1)]
    assert found == [False] * MANY_RESTARTS + [True]
    assert restarts.are_many(MANY_RESTARTS, 10 + WITHIN_S)
    assert not restarts.are_many(MANY_RESTARTS, 11 + WITHIN_S)


def test_several_restarts_between_two_looks_count_each() -> None:
    restarts = Restarts()
    assert not restarts.are_many(MANY_RESTARTS - 1, 0)
    assert restarts.are_many(MANY_RESTARTS, 5)


def test_a_disk_is_low_below_its_limit_until_it_is_clearly_above() -> None:
    low = Low(0.15)
    frees = [0.16, 0.15, 0.149, 0.15, 0.159, 0.161, 0.15, 0.16]
    assert [low.is_low(free) for free in frees] == [
        *(False, False, True, True, True, False, False, False)
    ]
