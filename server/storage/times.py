"""Converts times to and from what the tables hold: UTC, whole microseconds since the epoch."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Return exact microseconds, without the rounding of a float timestamp."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the moment, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def micros_now() -> int:
    """Return the present time in microseconds."""
    return to_micros(datetime.now(UTC))
