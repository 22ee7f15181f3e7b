"""Converts times to UTC as they come in, whatever offset their sender wrote them with.

Code that shows a time later can use it as it is. A time that cannot be right is no time: the zero
of a program's clock, or seconds that were taken for milliseconds.
"""

from datetime import UTC, datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from shared.event import ChangeWindow, Commit
from shared.pipe import Entry, EventEntry, Resolve, Silence

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Whatever says that it was before, does not know when it was."""

AHEAD = timedelta(days=1)
"""Clocks may be wrong by so much: by a time zone that was left out."""

W = TypeVar("W", bound=ChangeWindow)


def is_plausible(moment: datetime, received: datetime) -> bool:
    """Return whether something that was told when it was `received` can have happened then."""
    return EARLIEST <= _utc(moment) <= received + AHEAD


def in_utc(entry: Entry) -> Entry:
    """Return `entry` with all its times in UTC."""
    match entry:
        case EventEntry(timestamp=timestamp, change_window=window):
            if window is None and timestamp.tzinfo is UTC:
                return entry
            told = None if window is None else _window(window)
            return replace(entry, timestamp=_utc(timestamp), change_window=told)
        case ChangeWindow():
            return _window(entry)
        case Resolve(time=time):
            return replace(entry, time=_utc(time))
        case Silence(time=time, until=until):
            return replace(entry, time=_utc(time), until=None if until is None else _utc(until))
        case _:
            return entry


def _window(window: W) -> W:
    push = window.push
    return replace(
        window,
        deploy_time=_utc(window.deploy_time),
        commits=[_commit(commit) for commit in window.commits],
        push=push and replace(push, commits=[_commit(commit) for commit in push.commits]),
    )


def _commit(commit: Commit) -> Commit:
    if commit.timestamp is None or commit.timestamp.tzinfo is UTC:
        return commit
    return replace(commit, timestamp=_utc(commit.timestamp))


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # On the first and last day that datetime can hold, an hour or two does not matter.
        return moment.replace(tzinfo=UTC)
