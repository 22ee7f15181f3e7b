"""What is kept of one stream of events, and how time passes in it.

A stream has a bounded size and forgets lazily: empty minutes count and cost nothing. Its only clock
is the time of the events.
"""

import math
import struct

import msgspec

from engine.statistics.burst_memory import LOWER, Burst, pack, unpack, with_burst
from engine.statistics.time_scales import (
    BLOCK_MIN,
    MEMORY_MIN,
    PRIOR_FANO,
    SCALES,
    Counts,
    Pace,
    block_window,
    clipped_block,
    close,
    kept_after,
    left_the_windows,
    most_evened,
    no_counts,
    not_yet_min,
    pace,
    windows,
)

MINUTE_S = 60.0

HOLD_S = 30 * MINUTE_S
"""A burst lasts until no window has been improbable for this long: one alarm for one burst."""

SETTLE_MIN = 5
"""A burst shows its height in this time; only what comes later can be an escalation."""

WARM_UP_MIN = 30.0
"""With less learned than this, nothing is unusual. It takes about an hour."""

ABSORB_S = 86400.0
"""A burst that lasts longer is the new level: a day, so that no night ends it."""

TOLD, AS_USUAL = 1.0, 2.0
"""People have heard of the burst, or need not."""


class Baseline(msgspec.Struct, array_like=True):
    """The state of a stream: when it had its last event, and how many came in that minute.

    At `next_look` events in that minute it must be judged again. The rest is a `Stream`, packed,
    because a float object costs 24 bytes.
    """

    packed: bytes
    at_s: float = 0.0
    in_minute: int = 0
    next_look: int = 0

    def __post_init__(self) -> None:
        if not self.at_s and len(self.packed) == _FIRST_LAYOUT.size:
            _take_over(self)


class Stream(msgspec.Struct, gc=False):
    """What is known of a stream; `learned_min` counts the minutes, empty ones included.

    While a burst lasts, `since_s` is when it began, and not 0. Its heights are in events a minute,
    and it has been high until `high_s`. `told` is 0, `TOLD` or `AS_USUAL`.
    """

    events: Counts
    evened: Counts
    learned_min: float
    burst_events: float = 0.0
    told: float = 0.0
    escalated: float = 0.0
    first_height: float = 0.0
    height: float = 0.0
    quiet_s: float = 0.0
    since_s: float = 0.0
    high_s: float = 0.0
    bursts: list[Burst] = []

    @property
    def pace(self) -> Pace:
        """Return what is usual for events as they are."""
        return pace(self.events, self.learned_min, PRIOR_FANO)

    @property
    def pace_evened(self) -> Pace:
        """Return what is usual for evened events."""
        return pace(self.evened, self.learned_min, 1.0)

    @property
    def is_warm(self) -> bool:
        """Return whether enough is known to call anything unusual."""
        return self.learned_min >= WARM_UP_MIN

    def evened_to(self, minute: int, count: int) -> float:
        """Return what `count` events in this minute are, evened.

        As long as nothing is known, what is usual is what the longest window has, evened: this
        finds the rate of a steady stream in minutes, and takes no first burst for it.
        """
        if count <= 1:
            return count
        rate = self.pace.rate
        if not self.is_warm:
            *_, (minutes, events) = windows(self.evened, minute, 0.0)
            rate = events / minutes
        return min(count, most_evened(rate))

    def most_evened_in_block(self) -> float:
        """Return what a block of evened events is learned as at most."""
        return clipped_block(self.pace_evened) if self.is_warm else math.inf

    def is_settling(self, minute: int) -> bool:
        """Return whether the running burst may not have shown its height yet."""
        return minute - self.since_s // MINUTE_S < SETTLE_MIN

    @property
    def burst(self) -> Burst:
        """Return the running burst, as it is until now."""
        return Burst(self.since_s, self.height, (self.high_s - self.since_s) / MINUTE_S)


_EACH = 2 * SCALES + 4
_LAYOUT = struct.Struct(f"<{2 * _EACH + 6}f3d")
"""Seven digits are enough for all but times."""
_QUIET = struct.Struct("<d")
_QUIET_AT = _LAYOUT.size - 3 * _QUIET.size

_FIRST_LAYOUT = struct.Struct("<27d")


def new_baseline(at_s: float) -> Baseline:
    """Return a stream that begins at `at_s` (event time, epoch seconds) and has no event yet."""
    baseline = Baseline(b"", at_s)
    begins = not_yet_min(int(at_s // MINUTE_S))
    write(baseline, Stream(no_counts(), no_counts(), begins, quiet_s=at_s))
    return baseline


def read(baseline: Baseline) -> Stream:
    """Return the stream of this baseline."""
    values = _LAYOUT.unpack_from(baseline.packed)
    events, evened = _counts(values[:_EACH]), _counts(values[_EACH : 2 * _EACH])
    stream = Stream(events, evened, *values[2 * _EACH :])
    stream.bursts = unpack(baseline.packed[_LAYOUT.size :])
    return stream


def write(baseline: Baseline, stream: Stream) -> None:
    """Keep the stream in this baseline."""
    events, evened, *head, bursts = msgspec.structs.astuple(stream)
    baseline.packed = _LAYOUT.pack(*_values(events), *_values(evened), *head) + pack(bursts)


def quiet_at(baseline: Baseline) -> float:
    """Return when the rate is back if nothing more arrives; later events only move it later."""
    return float(_QUIET.unpack_from(baseline.packed, _QUIET_AT)[0])


def advance(baseline: Baseline, stream: Stream, at_s: float) -> None:
    """Let the time up to `at_s` pass: close minutes, forget, learn, end a burst."""
    if stream.since_s:
        until_s = min(at_s, stream.quiet_s)
        if until_s - stream.since_s > ABSORB_S:
            _close_minutes(baseline, stream, until_s)
            _absorb(stream, until_s)
        elif at_s > stream.quiet_s:
            # Learning goes on from the moment at which the rate was back.
            _close_minutes(baseline, stream, max(until_s, baseline.at_s))
            stream.bursts = with_burst(stream.bursts, stream.burst)
            stream.since_s = 0.0
    _close_minutes(baseline, stream, at_s)


def measure_height(stream: Stream, minute: int, in_minute: int) -> None:
    """Note how high the burst is in this minute."""
    minutes, closed = block_window(stream.events, minute)
    height = (closed + in_minute) / minutes
    stream.height = max(stream.height, height)
    if height >= LOWER * stream.height:
        stream.high_s = (minute + 1) * MINUTE_S
    if stream.is_settling(minute):
        stream.first_height = stream.height


def _counts(values: tuple[float, ...]) -> Counts:
    return Counts(list(values[:SCALES]), list(values[SCALES : 2 * SCALES]), *values[2 * SCALES :])


def _values(counts: Counts) -> tuple[float, ...]:
    before, running, *sums = msgspec.structs.astuple(counts)
    return *before, *running, *sums


def _close_minutes(baseline: Baseline, stream: Stream, at_s: float) -> None:
    minute, last = int(at_s // MINUTE_S), int(baseline.at_s // MINUTE_S)
    baseline.at_s = at_s
    if minute == last:
        return
    counted = baseline.in_minute
    baseline.in_minute = baseline.next_look = 0
    if stream.since_s:
        stream.burst_events += counted
        measure_height(stream, last, counted)
    evened = stream.evened_to(last, counted)
    left = close(stream.events, last, minute, counted)
    left_evened = close(stream.evened, last, minute, evened, stream.most_evened_in_block)
    minutes = left_the_windows(last, minute)
    if minutes and not stream.since_s:
        kept = kept_after(minutes)
        _learn(stream.events, kept, *left)
        _learn(stream.evened, kept, *left_evened)
        stream.learned_min = stream.learned_min * kept + (1.0 - kept) * MEMORY_MIN


def _learn(counts: Counts, kept: float, left: float, left_squares: float) -> None:
    counts.learned = counts.learned * kept + left
    counts.learned_squares = counts.learned_squares * kept + left_squares


def _absorb(stream: Stream, at_s: float) -> None:
    """Make the level of this burst the usual one from now on, as spread out as before."""
    level = stream.burst_events / (at_s - stream.since_s) * MINUTE_S
    _set_level(stream.events, level, stream.learned_min, stream.pace.fano)
    _set_level(stream.evened, level, stream.learned_min, stream.pace_evened.fano)
    stream.since_s = 0.0


def _set_level(counts: Counts, rate: float, learned_min: float, fano: float) -> None:
    counts.learned = rate * learned_min
    counts.learned_squares = counts.learned * (fano + BLOCK_MIN * rate)


def _take_over(baseline: Baseline) -> None:
    """Take over what earlier versions knew: two scales of events, and one of square roots."""
    values = _FIRST_LAYOUT.unpack(baseline.packed)
    baseline.at_s, baseline.in_minute = values[0], int(values[1])
    learned_min, in_minutes = values[11:13]
    fives, in_fives, squares = values[17:20]
    roots = values[24]
    stream = Stream(no_counts(), no_counts(), learned_min, quiet_s=values[8])
    if in_fives:
        # Each event was in two windows. A minute's root is close to what evening leaves of it.
        fano = max(squares / in_fives - in_fives / fives, 1.0)
        _set_level(stream.events, in_minutes / 2.0 / learned_min, learned_min, fano)
        _set_level(stream.evened, roots / 2.0 / learned_min, learned_min, 1.0)
    write(baseline, stream)
