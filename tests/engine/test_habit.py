"""A silence counts if it is far longer than the issue's habit: not a night, not a weekend."""

from collections.abc import Iterable

import pytest

from engine.statistics.silence import Habit, add_gap, is_unusual_silence, new_habit

HOUR = 3600.0
DAY = 86_400.0
MONDAY = 4 * DAY
"""5 January 1970."""


def known(times: Iterable[float]) -> tuple[Habit, float]:
    """The habit of an issue with events at these times, and the last of them."""
    first, *rest = times
    habit = new_habit(first)
    for at in rest:
        add_gap(habit, at)
    return habit, max([first, *rest])


def unusual(times: Iterable[float], silence_s: float) -> bool:
    habit, last = known(times)
    return is_unusual_silence(habit, last, last + silence_s).unusual


EVERY_90_MINUTES = [MONDAY + 1.5 * HOUR * n for n in range(200)]
EACH_NIGHT = [MONDAY + DAY * n + 60.0 * minute for n in range(20) for minute in range(0, 30, 5)]
IN_WORKING_HOURS = [
    MONDAY + DAY * day + HOUR * hour + 1200.0 * part
    for day in range(12)
    if day % 7 < 5
    for hour in range(8, 18)
    for part in range(3)
]


@pytest.mark.parametrize(
    ("times", "silence_s"),
    [
        (EVERY_90_MINUTES, 1.5 * HOUR),
        (EVERY_90_MINUTES, 3 * HOUR),
        (EACH_NIGHT, DAY),
        (EACH_NIGHT, 2 * DAY),
        (IN_WORKING_HOURS, 14 * HOUR),
        (IN_WORKING_HOURS, 62 * HOUR),
    ],
)
def test_a_rhythm_is_no_silence(times: list[float], silence_s: float) -> None:
    assert not unusual(times, silence_s)


@pytest.mark.parametrize(
    ("times", "silence_s"),
    [
        (EVERY_90_MINUTES, 3 * DAY),
        (EACH_NIGHT, 14 * DAY),
        (IN_WORKING_HOURS, 28 * DAY),
        ([MONDAY + 60.0 * n for n in range(26 * 60)], 12 * HOUR),
    ],
)
def test_far_longer_than_the_longest_gap_is_a_silence(times: list[float], silence_s: float) -> None:
    assert unusual(times, silence_s)


def test_under_an_hour_nothing_is_a_silence() -> None:
    assert not unusual([MONDAY + n for n in range(0, 36_000, 60)], 59 * 60.0)


EVERY_20_MINUTES = [MONDAY + 1200.0 * n for n in range(72)]
EVERY_5_MINUTES = [MONDAY + 300.0 * n for n in range(288)]
ONE_WORKING_DAY = [MONDAY + 8 * HOUR + 1200.0 * n for n in range(30)]


@pytest.mark.parametrize(
    ("times", "silence_s"),
    [
        (EVERY_20_MINUTES, 6_000.0),
        (EVERY_5_MINUTES, HOUR),
        # 20 minutes until 18:00, and from 8:00 to 9:20; the night misses nothing.
        (ONE_WORKING_DAY, 1_200.0 + 14 * HOUR + 4_800.0),
    ],
)
def test_a_silence_is_five_times_the_longest_gap_or_an_hour_and_a_second_less_is_none(
    times: list[float], silence_s: float
) -> None:
    assert unusual(times, silence_s)
    assert not unusual(times, silence_s - 1.0)


@pytest.mark.parametrize("weeks", [0, 1, 2, 10])
@pytest.mark.parametrize(("rest_s", "active_h"), [(0.0, 0), (DAY, 2), (5 * DAY, 10), (6 * DAY, 13)])
def test_a_silence_of_weeks_misses_the_hours_of_each_working_day_and_of_each_weekend(
    weeks: int, rest_s: float, active_h: int
) -> None:
    """From a Sunday's midnight, of an issue of two hours on working days and three on weekends."""
    working = [MONDAY + DAY * day + HOUR * hour for day in range(5) for hour in (9, 10)]
    weekend = [MONDAY + DAY * day + HOUR * hour for day in (5, 6) for hour in (0, 12, 22)]
    habit, last = known([*working, *weekend])
    begin = MONDAY + 7 * DAY
    assert begin > last
    silence_s = weeks * 7 * DAY + rest_s
    found = is_unusual_silence(habit, begin, begin + silence_s)
    assert found.silence_s == silence_s
    assert found.active_silence_s == (weeks * (5 * 2 + 2 * 3) + active_h) * HOUR


def test_an_issue_without_a_habit_has_no_unusual_silence() -> None:
    assert not unusual([MONDAY, MONDAY + 60.0], 30 * DAY)


def test_retries_within_one_minute_are_no_habit() -> None:
    assert not unusual([MONDAY + n for n in range(50)], 30 * DAY)


def test_an_event_from_before_is_no_gap() -> None:
    habit, last = known(EVERY_90_MINUTES)
    before = habit.packed
    add_gap(habit, last - HOUR)
    assert habit.packed == before


def test_the_numbers_say_how_long_it_was_silent_and_what_is_usual() -> None:
    habit, last = known(EVERY_90_MINUTES)
    found = is_unusual_silence(habit, last, last + 3 * DAY)
    assert found.silence_s == 3 * DAY
    assert found.longest_s == 1.5 * HOUR
    assert found.known_gaps == 199


def test_the_state_has_one_size_whatever_the_history() -> None:
    assert len(new_habit(0.0).packed) == len(known(EVERY_90_MINUTES)[0].packed)
