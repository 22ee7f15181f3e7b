"""The time scales of a stream: what is in its windows, what is usual there, how that is learned.

This is the arithmetic of `baseline` and `spike`. docs/DETECTION.md has the formulae and the reasons
for the numbers.
"""

import math

import msgspec

from engine.statistics import negative_binomial

SCALES = 5
"""Scale k has buckets of 2^k minutes. Its window is the running bucket and the one before it."""

WINDOWS = 1 + SCALES
"""The running minute alone, and the window of each scale."""

LONGEST_MIN = 1 << (SCALES - 1)

SHORTEST = (1, *(1 + (1 << scale) for scale in range(SCALES)))
"""The minutes that each window has at least."""

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


Minute = tuple[int, int, float]
"""A minute of the epoch that had events: how many, and how many of them are left when evened."""

Window = tuple[int, int, float]
"""How many minutes a window has, and the events and evened events in it."""


class Learned(msgspec.Struct, gc=False):
    """The sums by which a stream is known, of its events as they are or evened.

    `squares` add up squared blocks. The last two are of the bucket that is learned next.
    """

    events: float = 0.0
    squares: float = 0.0
    next_events: float = 0.0
    next_squares: float = 0.0


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


def not_yet_min(minute: int) -> float:
    """Return the learned minutes of a stream that begins in this one: below 0.

    The windows reach back to when there was no stream. What is learned of that time adds up to 0.
    """
    return -float(LONGEST_MIN + minute % LONGEST_MIN)


def learned_by(minute: int, learned_min: float, wanted_min: float) -> int:
    """Return the first minute in which so much can be learned, with this much by now.

    Something is learned when a bucket leaves the longest window, and no more than its minutes.
    """
    buckets = math.ceil((wanted_min - learned_min) / LONGEST_MIN)
    return (minute // LONGEST_MIN + buckets) * LONGEST_MIN


def pace(learned: Learned, learned_min: float, prior_fano: float) -> Pace:
    """Return what is usual, from the moments of what is learned and the prior knowledge."""
    events = learned.events
    fano = prior_fano
    if events:
        seen = learned.squares / events - BLOCK_MIN * events / learned_min
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


def windows(minutes: list[Minute], now: int, in_minute: int, evened: float) -> list[Window]:
    """Return the running minute alone, which counts as a whole one, and the window of each scale.

    The running one is `now`, a minute of the epoch, with its events as they are and evened;
    `minutes` are those before it, oldest first.
    """
    found = [(1, in_minute, evened)]
    at = len(minutes)
    for scale in range(SCALES):
        first = ((now >> scale) - 1) << scale
        while at and minutes[at - 1][0] >= first:
            at -= 1
            in_minute += minutes[at][1]
            evened += minutes[at][2]
        found.append((now - first + 1, in_minute, evened))
    return found


def sums(minutes: list[Minute], most_evened: float) -> tuple[float, float, float, float]:
    """Return the events and their squared blocks, then the same of evened events.

    Blocks of evened events count as `most_evened` at most.
    """
    events = squares = all_evened = evened_squares = 0.0
    block, in_block, evened_in_block = -1, 0.0, 0.0
    for minute, count, evened in minutes:
        if minute >> BLOCK != block:
            squares += in_block * in_block
            evened_squares += min(evened_in_block, most_evened) ** 2
            block, in_block, evened_in_block = minute >> BLOCK, 0.0, 0.0
        events += count
        in_block += count
        all_evened += evened
        evened_in_block += evened
    squares += in_block * in_block
    evened_squares += min(evened_in_block, most_evened) ** 2
    return events, squares, all_evened, evened_squares


def learn(learned: Learned, events: float, squares: float, passed: int, kept: float | None) -> None:
    """Learn the bucket that is next, and put this one in its place, or learn it too.

    That is so if more than one bucket has passed. Without `kept`, the part of earlier knowledge
    that is remembered, nothing is learned.
    """
    if kept is not None:
        learned.events = learned.events * kept + learned.next_events
        learned.squares = learned.squares * kept + learned.next_squares
        if passed > 1:
            learned.events += events
            learned.squares += squares
    learned.next_events, learned.next_squares = (events, squares) if passed == 1 else (0.0, 0.0)


def kept_after(minutes: int) -> float:
    """Return the part of what is learned that is still remembered after so many minutes."""
    return math.exp(-minutes / MEMORY_MIN)
