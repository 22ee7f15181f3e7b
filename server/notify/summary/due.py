"""When summaries are due: at `AT`, daily or on Mondays, by the time zone of the machine.

Pure but for that zone.
"""

from datetime import UTC, date, datetime, time, timedelta

import msgspec

from server.storage.main.people import Interval

AT = time(8, 0)

LATEST = timedelta(hours=12)
"""A summary that is later than this is not sent any more."""


class Due(msgspec.Struct, frozen=True):
    """A summary of this day, in the machine's time zone: what came after `since`, due at `at`."""

    interval: Interval
    day: date
    since: datetime
    at: datetime

    @property
    def name(self) -> str:
        """Return what names it, whenever it is sent."""
        return f"summary/{self.interval}/{self.day}"


def due_at(now: datetime, interval: Interval) -> Due | None:
    """Return the summary that is due, or None if the last one is too late now.

    It begins when the one before it was due, also where the clocks were changed in between.
    """
    day = now.astimezone().date()
    if now < _at(day):
        day -= timedelta(days=1)
    if interval == "weekly":
        day -= timedelta(days=day.weekday())
    at = _at(day)
    if now - at >= LATEST:
        return None
    before = day - timedelta(days=1 if interval == "daily" else 7)
    return Due(interval, day, _at(before), at)


def next_morning(now: datetime) -> datetime:
    """Return when the next daily summary is due."""
    day = now.astimezone().date()
    return _at(day) if now < _at(day) else _at(day + timedelta(days=1))


def _at(day: date) -> datetime:
    # Without a zone it is the machine's, with the offset of that day.
    return datetime.combine(day, AT).astimezone().astimezone(UTC)
