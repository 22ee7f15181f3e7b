"""How long to wait before the next try."""

import random
from collections.abc import Callable

HEALTHY_AFTER_S = 60.0


class Backoff:
    """Doubles from `first_s` to `longest_s`, and starts again after a minute of health.

    What ends after such a minute is tried again at once: nothing says that it will fail again.

    Each delay is drawn from the upper half, so that what failed together is not tried together.
    """

    def __init__(
        self, first_s: float, longest_s: float, draw: Callable[[], float] = random.random
    ) -> None:
        """Set up the back-off. `draw` gives numbers from 0 up to 1."""
        self._draw = draw
        self._first_s = first_s
        self._longest_s = longest_s
        self._failures = 0

    def failed(self, after_s: float = 0.0) -> float:
        """Return the delay in seconds, after something ended that had run for `after_s` seconds."""
        if after_s >= HEALTHY_AFTER_S:
            self.forget()
            return 0.0
        # The exponent is bounded: a float has no room for the delay after 1,100 failures.
        longest = min(self._longest_s, self._first_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return longest * (1 + self._draw()) / 2

    def forget(self) -> None:
        """Start again, because the cause is known to be gone."""
        self._failures = 0
