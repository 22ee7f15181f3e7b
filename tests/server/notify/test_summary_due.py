"""Summaries are due at eight by the machine's clock, whatever its time zone does."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from server.notify.summary.due import LATEST, Due, due_at
from server.storage.main.people import Interval

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""As a rule, so that no database of time zones is needed."""

SetZone = Callable[[str], None]


@pytest.fixture
def set_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetZone]:
    def set_it(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield set_it
    monkeypatch.undo()
    time.tzset()


def utc(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, month, day, hour, minute, tzinfo=UTC)


def found(now: datetime, interval: Interval) -> Due:
    due = due_at(now, interval)
    assert due is not None
    return due


def test_a_daily_one_is_due_at_eight_for_the_day_before(set_zone: SetZone) -> None:
    set_zone(BERLIN)
    assert due_at(utc(3, 4, 6, 59), "daily") is None
    due = found(utc(3, 4, 7), "daily")
    assert due.name == "summary/daily/2025-03-04"
    assert (due.since, due.at) == (utc(3, 3, 7), utc(3, 4, 7))


@pytest.mark.parametrize("day", range(4, 10))
def test_a_weekly_one_is_due_on_no_other_day_than_monday(set_zone: SetZone, day: int) -> None:
    set_zone(BERLIN)
    assert due_at(utc(3, day, 7), "weekly") is None


def test_a_weekly_one_is_due_on_monday_for_the_week_before(set_zone: SetZone) -> None:
    set_zone(BERLIN)
    assert due_at(utc(3, 10, 6, 59), "weekly") is None
    due = found(utc(3, 10, 7), "weekly")
    assert due.name == "summary/weekly/2025-03-10"
    assert (due.since, due.at) == (utc(3, 3, 7), utc(3, 10, 7))


@pytest.mark.parametrize(
    ("day", "since", "at"),
    [
        ((3, 30), utc(3, 29, 7), utc(3, 30, 6)),
        ((10, 26), utc(10, 25, 6), utc(10, 26, 7)),
    ],
    ids=["23 hours", "25 hours"],
)
def test_it_is_eight_too_on_the_day_when_the_clocks_change(
    set_zone: SetZone, day: tuple[int, int], since: datetime, at: datetime
) -> None:
    set_zone(BERLIN)
    due = found(at, "daily")
    assert (due.day.month, due.day.day) == day
    assert (due.since, due.at) == (since, at)
    assert due_at(at - timedelta(minutes=1), "daily") is None


def test_a_week_with_a_change_of_the_clocks_begins_where_the_one_before_ended(
    set_zone: SetZone,
) -> None:
    set_zone(BERLIN)
    before, after = found(utc(3, 24, 7), "weekly"), found(utc(3, 31, 6), "weekly")
    assert after.since == before.at
    assert after.at - after.since == timedelta(days=7, hours=-1)


def test_each_hour_of_a_year_belongs_to_the_summary_of_its_day(set_zone: SetZone) -> None:
    set_zone(BERLIN)
    names = []
    for hour in range(365 * 24):
        due = due_at(utc(1, 1, 7) + timedelta(hours=hour), "daily")
        if due is not None and due.name not in names:
            names.append(due.name)
    assert len(names) == 365
    assert names == sorted(names)


@pytest.mark.parametrize("zone", ["UTC0", "NZST-12NZDT,M9.5.0,M4.1.0/3", "HST10"])
def test_the_day_is_that_of_the_machine(set_zone: SetZone, zone: str) -> None:
    set_zone(zone)
    eight = datetime(2025, 3, 4, 8).astimezone()
    due = found(eight.astimezone(UTC), "daily")
    assert (due.name, due.at) == ("summary/daily/2025-03-04", eight)


def test_it_is_due_for_less_than_twelve_hours(set_zone: SetZone) -> None:
    set_zone(BERLIN)
    almost = utc(3, 10, 7) + LATEST - timedelta(seconds=1)
    for interval in ("daily", "weekly"):
        assert found(almost, interval).at == utc(3, 10, 7)
        assert due_at(almost + timedelta(seconds=1), interval) is None
