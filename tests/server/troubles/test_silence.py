"""A source that has a rhythm and stops is silent within the hour; a quiet weekend is no silence."""

import pytest

from scripts.commands.benchmarks.silence_rhythms import (
    active_minutes,
    false_alarms,
    found_after,
    recorded,
    rhythms,
)
from server.troubles.silence import EXPECTED, TIMES_LONGER, WEEK, is_silent
from tests.shared_data import FOLDER, needs_shared_data

DAY = 24 * 60
LEARNED = 5 * WEEK
RHYTHMS = rhythms()


def bits(*minutes: range) -> int:
    return sum(1 << minute for some in minutes for minute in some)


def alive(until: int = LEARNED, every: int = 1) -> int:
    """A source that sends something in each `every`-th minute."""
    return bits(range(0, until, every))


def silent(active: int, now: int, up: int | None = None) -> bool:
    return is_silent(active, (1 << now) - 1 if up is None else up, now)


def test_a_source_of_each_minute_is_silent_after_a_quarter_of_an_hour() -> None:
    last = LEARNED - 1
    found = [silent(alive(), last + minutes) for minutes in range(1, EXPECTED + 3)]
    assert found == [False] * EXPECTED + [True] * 2


def test_a_pause_must_be_far_longer_than_those_of_before() -> None:
    every = 10
    # In nine of ten minutes there is nothing: each pause is of nine.
    found = next(now for now in range(LEARNED, LEARNED + DAY) if silent(alive(every=every), now))
    last = (LEARNED - 1) // every * every
    assert found - last - 1 > TIMES_LONGER * (every - 1)
    assert found - last - 1 >= EXPECTED * every


def test_nobody_is_silent_before_three_weeks_are_known() -> None:
    for weeks in (1, 2, 3):
        end = weeks * WEEK
        assert not silent(alive(end), end + 2 * DAY)
    end = 4 * WEEK
    assert silent(alive(end), end + 60)


def test_what_never_sent_is_not_silent() -> None:
    assert not silent(0, LEARNED)
    assert not silent(bits(range(5)), LEARNED)


def test_what_was_quiet_at_this_time_in_any_week_is_not_silent() -> None:
    quiet = range(LEARNED - 2 * WEEK, LEARNED - 2 * WEEK + 120)
    active = alive() & ~bits(quiet)
    assert not silent(active, LEARNED + 60)
    assert silent(active, LEARNED + 240 + 4 * 120)


def test_minutes_in_which_pushlog_did_not_run_do_not_count() -> None:
    ran = (1 << LEARNED) - 1
    # Down for a day, and up for ten minutes since.
    for minutes in (10, EXPECTED, EXPECTED + 1):
        now = LEARNED + DAY + minutes
        up = ran | bits(range(LEARNED + DAY, now))
        assert silent(alive(), now, up) is (minutes >= EXPECTED)


def test_a_clock_that_is_changed_by_an_hour_alarms_nobody() -> None:
    # From eight to six on each day, and an hour earlier from now on.
    working = [range(day * DAY + 480, day * DAY + 1080) for day in range(35)]
    today = range(LEARNED + 420, LEARNED + 1020)
    active = bits(*working, today)
    assert not any(silent(active, LEARNED + minute) for minute in range(1020, 1080))


def test_a_silence_of_more_than_a_week_goes_on() -> None:
    # Five weeks are known, as far as they are kept.
    for days in (1, 6, 8, 13):
        forgotten = days * DAY
        active = alive(LEARNED) >> forgotten
        assert silent(active, LEARNED), days


@pytest.mark.parametrize("name", ["1 a minute", "by day, 3 a minute"])
def test_a_source_that_stops_is_found(name: str) -> None:
    delays = found_after(active_minutes(RHYTHMS[name], 8), 8, cuts=30)
    found = [each for each in delays if each is not None]
    assert len(found) == len(delays)
    if name == "1 a minute":
        assert max(found) <= 60


@pytest.mark.parametrize("name", RHYTHMS)
def test_no_rhythm_is_called_silent_more_than_once_a_year(name: str) -> None:
    weeks = 30
    assert false_alarms(active_minutes(rhythms()[name], weeks), weeks, step=30) <= 1


@needs_shared_data
def test_no_recorded_series_is_called_silent() -> None:
    for path in sorted((FOLDER / "bench/spikes/data").glob("*.csv")):
        active, weeks = recorded(path)
        assert false_alarms(active, weeks) == 0, path.stem
