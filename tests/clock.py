"""Time that passes only when a test says so, in each form that code asks for."""

from datetime import datetime, timedelta

from server.storage.times import to_micros
from tests.builders import START


class Clock:
    """Calling it returns the date; `micros` and `seconds` are the same clock in other units."""

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
