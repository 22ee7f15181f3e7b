"""The time scales of a stream: what is in its windows, what is usual there, how that is learned.

This is the arithmetic of `spike`. docs/DETECTION.md has the formulae and the reasons for the
numbers.
"""

import math

import msgspec

from engine.statistics import negative_binomial

MONTH_MIN = 30 * 1440

MEMORY_MIN = 4 * 1440.0
"""How long to remember: long enough for the rhythm of days, short enough to follow a slow ramp."""

WARM_UP_MIN = 15.0
WARM_UP_WINDOWS = 4.0
"""With less exposure and fewer windows than this, a scale finds nothing unusual."""

PRIOR_FANO = 5.0
"""Variance over mean before it is known: clusters of retries, five at a time."""

PRIOR_EVENTS = 20.0
"""A stream outweighs that prior with this many events of its own."""

OUTLIER_SIGMA = 4.0
"""A window of activity is learned as no further than this many deviations above its mean."""


class Scale(msgspec.Struct, frozen=True):
    """A time scale: a window is the running bucket and the one before it.

    `budget` is how many false alarms it may raise in a month of a stream. `steadiest` is the shape
    that no rate is trusted to exceed: 1/sqrt(20) = 22 % is what keeps 2x at a high rate quiet. An
    `evened` scale adds up square roots of the minutes' counts: it hardly sees a cluster of retries,
    and sees a lasting rise all the better.
    """

    bucket_min: int
    budget: float
    prior_fano: float
    steadiest: float
    evened: bool = False

    @property
    def warm_up(self) -> float:
        """Return how many windows it must have seen."""
        return max(WARM_UP_MIN / self.bucket_min, WARM_UP_WINDOWS)

    @property
    def alarm_nats(self) -> float:
        """Return the surprise of a window that comes by chance as often as the budget allows."""
        return negative_binomial.surprise_of(self.budget * 2 * self.bucket_min / MONTH_MIN)


SCALES = (
    Scale(1, 0.03, PRIOR_FANO, 20.0),
    Scale(5, 0.03, PRIOR_FANO, 20.0),
    Scale(15, 0.3, 4.0, 300.0, evened=True),
)
ALARM_NATS = tuple(scale.alarm_nats for scale in SCALES)
WARM_UP = tuple(scale.warm_up for scale in SCALES)


class Window(msgspec.Struct, gc=False):
    """One scale: its window now, and the decayed sums of the windows that it has seen.

    `windows` counts them, and `total` and `squares` add up their contents. `peak` is how far beyond
    an alarm (as a ratio of surprises) the bursts of this stream went.
    """

    running: float = 0.0
    before: float = 0.0
    windows: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    peak: float = 0.0

    @property
    def content(self) -> float:
        """Return what is in the window now."""
        return self.running + self.before


class Expected(msgspec.Struct, frozen=True, gc=False):
    """What is usual for a window: content over `unit` is negative binomial by mean and shape."""

    mean: float
    unit: float
    shape: float

    def surprise(self, content: float) -> float:
        """Return how surprising this content is, in nats; 0 if it is not above the mean."""
        return negative_binomial.surprise(content / self.unit, self.mean / self.unit, self.shape)


def usual_content(window: Window, scale: Scale) -> float:
    """Return the usual content of a window; the prior knowledge is one event in five minutes."""
    return (window.total + 2.0) / (window.windows + 5.0 / scale.bucket_min)


def expected_content(window: Window, scale: Scale) -> Expected:
    """Return the usual content of a window, from the moments of those before (method of moments).

    The observed Fano factor F = variance/mean is weighed against the prior. Plain windows have the
    variance F*mean; evened ones are counted in units of F. Two terms are added to both: the
    uncertainty of the mean itself (F/events of its square), and the steadiness that no rate is
    trusted to exceed.
    """
    mean = usual_content(window, scale)
    fano = scale.prior_fano
    # Each event is in two windows.
    events = window.total / 2.0
    if events:
        seen = window.squares / window.total - window.total / window.windows
        fano = events * max(seen, 1.0) + PRIOR_EVENTS * scale.prior_fano
        fano /= events + PRIOR_EVENTS
    uncertain = fano / (events + 1.0) + 1.0 / scale.steadiest
    if scale.evened:
        return Expected(mean, fano, 1.0 / uncertain)
    return Expected(mean, 1.0, 1.0 / ((fano - 1.0) / mean + uncertain))


def learn(window: Window, scale: Scale, closed: int) -> None:
    """Learn the windows that `closed` buckets complete; all but two of them are empty."""
    whole, half = window.content, window.running
    if scale.evened and window.windows:
        expected = expected_content(window, scale)
        mean = expected.mean
        spread = math.sqrt(expected.unit * mean + mean * mean / scale.steadiest)
        whole = min(whole, mean + OUTLIER_SIGMA * spread)
        half = min(half, mean + OUTLIER_SIGMA * spread)
    if closed == 1:
        half = 0.0
    kept = math.exp(-closed * scale.bucket_min / MEMORY_MIN)
    window.windows = window.windows * kept + (1.0 - kept) * MEMORY_MIN / scale.bucket_min
    window.total = window.total * kept + whole + half
    window.squares = window.squares * kept + whole * whole + half * half
