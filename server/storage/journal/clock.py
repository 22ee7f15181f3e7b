"""The journal's clock, which never goes back, whatever happens to the clock of the machine.

Everything that depends on time is decided by the stamps of this clock. It runs at the pace of the
monotonic clock, which nobody can set, and follows the wall clock:

- A wall clock up to `STEP_MICROS` ahead is followed at once, so that a clock that NTP keeps right
  is shown as it is.
- A wall clock further ahead (set, or set wrongly) is approached at twice the pace: it takes an hour
  to catch up an hour. So no window of time is skipped because of a clock that is corrected later.
- A wall clock that is behind is waited for at half the pace: it takes two hours to lose one.
- A wall clock more than `FAR_MICROS` ahead is believed after it has been so for `FAR_FOR_MICROS`:
  the machine started without knowing the time, so there is nothing to approach.
"""

import time
from collections.abc import Callable

STEP_MICROS = 1_000_000
FAR_MICROS = 24 * 3600 * 1_000_000
FAR_FOR_MICROS = 60 * 1_000_000


class Clock:
    """Gives microseconds since the epoch, never fewer than before. Not thread-safe."""

    def __init__(
        self, wall: Callable[[], int], monotonic: Callable[[], int], not_before: int = 0
    ) -> None:
        """Start the clock; `wall` and `monotonic` give microseconds.

        `not_before` is the last stamp given out.
        """
        self._wall = wall
        self._monotonic = monotonic
        self._at = monotonic()
        self._now = max(wall(), not_before)
        self._far_since: int | None = None

    def now(self) -> int:
        """Return the time to be believed."""
        wall, at = self._wall(), self._monotonic()
        passed = max(0, at - self._at)
        self._at = max(at, self._at)
        self._now += self._advance(wall - self._now, passed)
        return self._now

    def _advance(self, ahead: int, passed: int) -> int:
        """Return how far to go; `ahead` is the wall clock's lead, `passed` what really passed."""
        difference = ahead - passed
        if ahead <= FAR_MICROS:
            self._far_since = None
        elif self._far_since is None:
            self._far_since = self._at
        elif self._at - self._far_since >= FAR_FOR_MICROS:
            self._far_since = None
            return ahead
        if difference > STEP_MICROS:
            return min(2 * passed, ahead)
        return max(passed // 2, ahead)


def wall_micros() -> int:
    """Return the time of the machine's clock, which people and NTP may set."""
    return time.time_ns() // 1_000


def monotonic_micros() -> int:
    """Return the time since some moment, including sleep if the system can tell."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000
    return time.monotonic_ns() // 1_000
