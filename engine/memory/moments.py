"""Between the engine's seconds of the epoch and the moments that events and messages have."""

from datetime import UTC, datetime
from math import floor

from shared.event import Event

FUTURE_S = 300.0
"""An event from further ahead of the journal's clock has a wrong time: it counts as of now."""


def moment(seconds: float) -> datetime:
    """The UTC moment of `seconds` of the epoch, in whole milliseconds."""
    return datetime.fromtimestamp(floor(seconds * 1000.0) / 1000.0, UTC)


def event_time(event: Event, now: float) -> float:
    """When it happened, in seconds of the epoch; never beyond the clock by more than its skew."""
    at = event.timestamp.timestamp()
    return now if at > now + FUTURE_S else at
