"""The time scales of a stream: what is in its windows, what is usual there, how that is learned.

This is the arithmetic of `baseline` and `spike`. docs/DETECTION.md has the formulae and the reasons
for the numbers.
"""

import math
from collections.abc import Callable, Iterator

import msgspec

from engine.statistics import negative_binomial

SCALES = 5
"""Scale k has buckets of 2^k minutes. Its window is the running bucket and the one before it."""

WINDOWS = 1 + SCALES
"""The running minute alone, and the window of each scale."""

LONGEST_MIN = 1 << (SCALES - 1)

BLOCK = 2
BLOCK_MIN = 1 << BLOCK
"""The spread is learned from the buckets of this scale."""

MEMORY_MIN = 4 * 1440.0
"""How long to remember: long enough for the rhythm of days, short enough to follow a slow ramp."""

PRIOR_MIN = 5.0
"""A stream begins as if it had one event in five minutes."""

PRIOR_FANO = 5.0
"""Variance over mean of events before it is known: clusters of retries, five at a time."""

PRIOR_EVENTS = 20.0
"""A stream outweighs that prior with this many events of its own."""

EVENED_TO = 5.0
"""Evened, a minute counts as at most this many times the usual minute, or as one event."""

OUTLIER_SIGMA = 5.0
"""A block of evened events is learned as no further than this many deviations above its mean."""

NO_OUTLIER = 2.0
"""Two minutes with an event are no outlier: a cluster of retries may lie across their border."""

STEADIEST = 20.0
"""No rate is trusted to be steadier than 1/sqrt(20) = 22 % of itself."""


class Counts(msgspec.Struct, gc=False):
    """The events of a stream, as they are or evened: those of late, and sums of what is learned.

    `before` and `running` have a bucket for each scale, without the running minute. `squares` add
    up squared blocks, for the two buckets of the longest scale and for all that is learned.
    """

    before: list[float]
    running: list[float]
    squares_before: float = 0.0
    squares_running: float = 0.0
    learned: float = 0.0
    learned_squares: float = 0.0


class Usual(msgspec.Struct, frozen=True, gc=False):
    """What is usual for a window: content over `unit` is negative binomial by mean and shape."""

    mean: float
    unit: float
    shape: float

    def surprise(self, content: float) -> float:
        """Return how surprising this content is, in nats; 0 if it is not above the mean."""
        return negative_binomial.surprise(content / self.unit, self.mean / self.unit, self.shape)

    def content_for(self, nats: float) -> float:
        """Return the content that is so surprising."""
        needed = negative_binomial.count_for(nats, self.mean / self.unit, self.shape)
        return needed * self.unit


class Pace(msgspec.Struct, frozen=True, gc=False):
    """What a stream usually does: `rate` a minute, with this variance of a block over its mean.

    `doubt` is the relative variance of the rate itself: as far as it is not known yet, and as it
    wavers in any case.
    """

    rate: float
    fano: float
    doubt: float

    def usual(self, minutes: int) -> Usual:
        """Return what is usual for events in so many minutes."""
        mean = self.rate * minutes
        return Usual(mean, 1.0, 1.0 / ((self.fano - 1.0) / mean + self.doubt))

    def usual_evened(self, minutes: int) -> Usual:
        """Return what is usual for evened events, which are counted in units of their spread.

        No minute of them stands out, so that their tail is lighter.
        """
        return Usual(self.rate * minutes, self.fano, 1.0 / self.doubt)


def no_counts() -> Counts:
    """Return the counts of a stream that begins."""
    return Counts([0.0] * SCALES, [0.0] * SCALES)


def not_yet_min(minute: int) -> float:
    """Return the learned minutes of a stream that begins in this one: below 0.

    The windows reach back to when there was no stream. What is learned of that time adds up to 0.
    """
    return -float(LONGEST_MIN + minute % LONGEST_MIN)


def pace(counts: Counts, learned_min: float, prior_fano: float) -> Pace:
    """Return what is usual, from the moments of what is learned and the prior knowledge."""
    events = counts.learned
    fano = prior_fano
    if events:
        seen = counts.learned_squares / events - BLOCK_MIN * events / learned_min
        fano = events * max(seen, 1.0) + PRIOR_EVENTS * prior_fano
        fano /= events + PRIOR_EVENTS
    rate = (events + 1.0) / (max(learned_min, 0.0) + PRIOR_MIN)
    return Pace(rate, fano, fano / (events + 1.0) + 1.0 / STEADIEST)


def most_evened(usual_rate: float) -> float:
    """Return what a minute counts as at most, evened, where so many events a minute are usual."""
    return max(EVENED_TO * usual_rate, 1.0)


def clipped_block(evened: Pace) -> float:
    """Return what a block of evened events is learned as at most."""
    mean = evened.rate * BLOCK_MIN
    return max(mean + OUTLIER_SIGMA * math.sqrt(evened.fano * mean), NO_OUTLIER)


def windows(counts: Counts, minute: int, in_minute: float) -> Iterator[tuple[int, float]]:
    """Yield the minutes and the events of the running minute (of the epoch), then by scale.

    `in_minute` are the events of the running minute, which counts as a whole one.
    """
    yield 1, in_minute
    for scale, before in enumerate(counts.before):
        bucket_min = 1 << scale
        yield bucket_min + minute % bucket_min + 1, before + counts.running[scale] + in_minute


def block_window(counts: Counts, minute: int) -> tuple[int, float]:
    """Return the minutes of the window of blocks, and its events without the running minute."""
    return BLOCK_MIN + minute % BLOCK_MIN + 1, counts.before[BLOCK] + counts.running[BLOCK]


def close(
    counts: Counts,
    last: int,
    minute: int,
    in_minute: float,
    most_in_block: Callable[[], float] | None = None,
) -> tuple[float, float]:
    """Close the minute `last` with its events, and the empty ones until `minute`.

    Return the events that leave the longest window, and their squared blocks.
    """
    before, running = counts.before, counts.running
    left = left_squares = 0.0
    for scale in range(SCALES):
        bucket = running[scale] + in_minute
        closed = (minute >> scale) - (last >> scale)
        if not closed:
            running[scale] = bucket
            continue
        if scale == BLOCK:
            block = bucket
            if block > NO_OUTLIER and most_in_block is not None:
                block = min(block, most_in_block())
            counts.squares_running += block * block
        elif scale == SCALES - 1:
            left, left_squares = before[scale], counts.squares_before
            counts.squares_before = counts.squares_running
            if closed > 1:
                left += bucket
                left_squares += counts.squares_running
                counts.squares_before = 0.0
            counts.squares_running = 0.0
        before[scale] = bucket if closed == 1 else 0.0
        running[scale] = 0.0
    return left, left_squares


def left_the_windows(last: int, minute: int) -> int:
    """Return how many minutes leave the longest window from `last` to `minute`."""
    return (minute // LONGEST_MIN - last // LONGEST_MIN) * LONGEST_MIN


def kept_after(minutes: int) -> float:
    """Return the part of what is learned that is still remembered after so many minutes."""
    return math.exp(-minutes / MEMORY_MIN)
