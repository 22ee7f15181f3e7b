"""Convert between the engine's seconds of the epoch and the datetimes of events and messages."""

from datetime import UTC, datetime
from math import floor

from shared.event import Event

FUTURE_S = 300.0
"""An event further ahead of the journal's clock than this has a wrong time and counts as of now."""


def moment(seconds: float) -> datetime:
    """Return the UTC datetime of `seconds` of the epoch, in whole milliseconds."""
    return datetime.fromtimestamp(floor(seconds * 1000.0) / 1000.0, UTC)


def event_time(event: Event, now: float) -> float:
    """Return when it happened, in seconds of the epoch; not ahead of the clock beyond its skew."""
    at = event.timestamp.timestamp()
    return now if at > now + FUTURE_S else at
