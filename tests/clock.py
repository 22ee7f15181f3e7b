"""Time that passes only when a test says so, in each of the forms that it is asked for."""

from datetime import datetime, timedelta

from server.storage.times import to_micros
from tests.builders import START


class Clock:
    """Call it, and it is a clock that gives a date; `micros` and `seconds` are others of it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def micros(self) -> int:
        """Microseconds since the epoch."""
        return to_micros(self.now)

    def seconds(self) -> float:
        """Seconds since `START`."""
        return (self.now - START).total_seconds()

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def pass_days(self, days: float) -> None:
        """Let much time pass."""
        self.now += timedelta(days=days)
