"""Between the engine's seconds of the epoch and the moments that people and messages have."""

from datetime import UTC, datetime
from math import floor


def moment(seconds: float) -> datetime:
    """The UTC moment of `seconds` of the epoch, in whole milliseconds."""
    return datetime.fromtimestamp(floor(seconds * 1000.0) / 1000.0, UTC)
