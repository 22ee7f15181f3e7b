"""What is kept of one stream of events, and how time passes in it.

A stream has a bounded size and forgets lazily: empty minutes count and cost nothing. Its only clock
is the time of the events.
"""

import math
import struct
from functools import lru_cache

import msgspec

from engine.statistics.burst_memory import LOWER, Burst, pack, unpack, with_burst
from engine.statistics.time_scales import (
    BLOCK,
    BLOCK_MIN,
    LONGEST_MIN,
    MEMORY_MIN,
    PRIOR_FANO,
    Learned,
    Minute,
    Pace,
    clipped_block,
    kept_after,
    learn,
    learned_by,
    most_evened,
    not_yet_min,
    pace,
    sums,
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


class Baseline(msgspec.Struct, array_like=True, gc=False):
    """The state of a stream: when it had its last event, and how many came in that minute.

    `spare` more events are nothing unusual until the minute `spare_until`: they need only be
    counted. `usual_per_min`, the `threshold` in two minutes and the number of usual `bursts` are as
    of the last look at the stream, and 0 as long as nothing is known. The rest is a `Stream`,
    packed, because a float object costs 24 bytes.
    """

    packed: bytes
    at_s: float = 0.0
    in_minute: int = 0
    spare: int = 0
    spare_until: int = 0
    minutes: bytes = b""
    usual_per_min: float = 0.0
    threshold: float = 0.0
    bursts: int = 0


class Stream(msgspec.Struct, gc=False):
    """What is known of a stream; `learned_min` counts the minutes, empty ones included.

    `minutes` are the closed ones that are in a window or not learned yet. While a burst lasts,
    `since_s` is when it began, and not 0. Its heights are in events a minute, and it has been high
    until `high_s`. `told` is 0, `TOLD` or `AS_USUAL`.
    """

    events: Learned
    evened: Learned
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
    minutes: list[Minute] = []

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
            *_, (minutes, _, evened) = windows(self.minutes, minute, 0, 0.0)
            rate = evened / minutes
        return min(count, most_evened(rate))

    def is_settling(self, minute: int) -> bool:
        """Return whether the running burst may not have shown its height yet."""
        return minute - self.since_s // MINUTE_S < SETTLE_MIN

    @property
    def burst(self) -> Burst:
        """Return the running burst, as it is until now."""
        return Burst(self.since_s, self.height, (self.high_s - self.since_s) / MINUTE_S)


NEVER = 1 << 40
"""More events than come, and minutes than pass."""

_FORM = 3
"""Comes first, and makes the sizes of all forms differ: `earlier_baselines` has the others."""
_LAYOUT = struct.Struct("<B14f3d")
"""Seven digits are enough for all but times."""
_QUIET = struct.Struct("<d")
_QUIET_AT = _LAYOUT.size - 3 * _QUIET.size
_MINUTE = struct.Struct("<qIf")
_NOT_EVENED = 0.0
"""In a minute that has only been counted."""


def new_baseline(at_s: float) -> Baseline:
    """Return a stream that begins at `at_s` (event time, epoch seconds) and has no event yet."""
    minute = int(at_s // MINUTE_S)
    baseline = Baseline(_begun(minute % LONGEST_MIN), at_s)
    leave_cold(baseline, not_yet_min(minute))
    return baseline


def leave_cold(baseline: Baseline, learned_min: float) -> None:
    """Note that nothing can be unusual until enough is learned; so much is by now."""
    minute = int(baseline.at_s // MINUTE_S)
    leave_alone(baseline, NEVER, learned_by(minute, learned_min, WARM_UP_MIN) - 1)


def leave_alone(baseline: Baseline, events: int, until: int) -> None:
    """Note that so many more events are nothing unusual until this minute of the epoch."""
    baseline.spare, baseline.spare_until = events, until


@lru_cache(maxsize=LONGEST_MIN)
def _begun(minute: int) -> bytes:
    """Return a stream that begins in this minute of a bucket: one object for all that do."""
    return _packed(Stream(Learned(), Learned(), not_yet_min(minute)))


def is_quiet(baseline: Baseline, at_s: float, count: int = 1) -> bool:
    """Return whether `count` events at `at_s` are certain to be nothing unusual."""
    return count <= baseline.spare and (
        at_s < baseline.at_s
        or at_s // MINUTE_S <= baseline.spare_until
        or at_s // MINUTE_S == baseline.at_s // MINUTE_S
    )


def add_quietly(baseline: Baseline, at_s: float, count: int = 1) -> None:
    """Count events that are nothing unusual."""
    if at_s > baseline.at_s:
        last = baseline.at_s // MINUTE_S
        if at_s // MINUTE_S != last:
            baseline.minutes += _MINUTE.pack(int(last), baseline.in_minute, _NOT_EVENED)
            baseline.in_minute = 0
        baseline.at_s = at_s
    baseline.in_minute += count
    baseline.spare -= count


def rate_per_min(baseline: Baseline) -> float:
    """Return the events a minute of the running minute and the one before."""
    count = baseline.in_minute
    if baseline.minutes:
        minute, before, _ = _MINUTE.unpack_from(baseline.minutes, -_MINUTE.size)
        if minute == baseline.at_s // MINUTE_S - 1.0:
            count += before
    return count / 2.0


def read(baseline: Baseline) -> Stream:
    """Return the stream of this baseline, with the minutes that have only been counted."""
    _, *values = _LAYOUT.unpack_from(baseline.packed)
    stream = Stream(Learned(*values[:4]), Learned(*values[4:8]), *values[8:])
    stream.bursts = unpack(baseline.packed[_LAYOUT.size :])
    stream.minutes = []
    waiting: tuple[int, int] | None = None
    for minute, count, evened in _MINUTE.iter_unpack(baseline.minutes):
        if evened != _NOT_EVENED:
            stream.minutes.append((minute, count, evened))
            continue
        if waiting is not None:
            _close_minute(stream, *waiting, minute)
        waiting = minute, count
    if waiting is not None:
        _close_minute(stream, *waiting, int(baseline.at_s // MINUTE_S))
    return stream


def write(baseline: Baseline, stream: Stream) -> None:
    """Keep the stream in this baseline."""
    baseline.packed = _packed(stream)
    baseline.minutes = b"".join([_MINUTE.pack(*each) for each in stream.minutes])


def _packed(stream: Stream) -> bytes:
    events, evened, *numbers, bursts, _ = msgspec.structs.astuple(stream)
    learned = *msgspec.structs.astuple(events), *msgspec.structs.astuple(evened)
    return _LAYOUT.pack(_FORM, *learned, *numbers) + pack(bursts)


def quiet_at(baseline: Baseline) -> float:
    """Return when the rate is back if nothing more arrives; later events only move it later."""
    return float(_QUIET.unpack_from(baseline.packed, _QUIET_AT)[0])


def advance(baseline: Baseline, stream: Stream, at_s: float) -> None:
    """Let the time up to `at_s` pass: close minutes, forget, learn, end a burst."""
    if stream.since_s:
        until_s = min(at_s, stream.quiet_s)
        if until_s - stream.since_s > ABSORB_S:
            _pass_time(baseline, stream, until_s)
            _absorb(stream, until_s)
        elif at_s > stream.quiet_s:
            # Learning goes on from the moment at which the rate was back.
            _pass_time(baseline, stream, max(until_s, baseline.at_s))
            stream.bursts = with_burst(stream.bursts, stream.burst)
            stream.since_s = 0.0
    _pass_time(baseline, stream, at_s)


def measure_height(stream: Stream, minute: int, in_minute: int) -> None:
    """Note how high the burst is in this minute."""
    minutes, count = block_window(stream, minute, in_minute)
    height = count / minutes
    stream.height = max(stream.height, height)
    if height >= LOWER * stream.height:
        stream.high_s = (minute + 1) * MINUTE_S
    if stream.is_settling(minute):
        stream.first_height = stream.height


def block_window(stream: Stream, minute: int, in_minute: int) -> tuple[int, int]:
    """Return the minutes of the window of blocks, and its events."""
    minutes, count, _ = windows(stream.minutes, minute, in_minute, 0.0)[1 + BLOCK]
    return minutes, count


def _pass_time(baseline: Baseline, stream: Stream, at_s: float) -> None:
    minute, last = int(at_s // MINUTE_S), int(baseline.at_s // MINUTE_S)
    baseline.at_s = at_s
    if minute != last:
        _close_minute(stream, last, baseline.in_minute, minute)
        baseline.in_minute = 0


def _close_minute(stream: Stream, last: int, count: int, minute: int) -> None:
    """Close the minute `last` with its events, and the empty ones until `minute`."""
    if stream.since_s:
        stream.burst_events += count
        measure_height(stream, last, count)
    if count:
        stream.minutes.append((last, count, stream.evened_to(last, count)))
    bucket = last // LONGEST_MIN
    passed = minute // LONGEST_MIN - bucket
    if passed:
        _leave(stream, bucket, passed)


def _leave(stream: Stream, bucket: int, passed: int) -> None:
    """Let `passed` buckets pass from this one on; learn what leaves the windows, but in a burst."""
    running = [each for each in stream.minutes if each[0] >= bucket * LONGEST_MIN]
    most = clipped_block(stream.pace_evened) if stream.is_warm else math.inf
    events, squares, evened, evened_squares = sums(running, most)
    kept = None if stream.since_s else kept_after(passed * LONGEST_MIN)
    learn(stream.events, events, squares, passed, kept)
    learn(stream.evened, evened, evened_squares, passed, kept)
    if kept is not None:
        stream.learned_min = stream.learned_min * kept + (1.0 - kept) * MEMORY_MIN
    stream.minutes = running if passed == 1 else []


def _absorb(stream: Stream, at_s: float) -> None:
    """Make the level of this burst the usual one from now on, as spread out as before."""
    level = stream.burst_events / (at_s - stream.since_s) * MINUTE_S
    set_level(stream.events, level, stream.learned_min, stream.pace.fano)
    set_level(stream.evened, level, stream.learned_min, stream.pace_evened.fano)
    stream.since_s = 0.0


def set_level(learned: Learned, rate: float, learned_min: float, fano: float) -> None:
    """Know the stream by this rate and variance over mean, as if learned in so many minutes."""
    learned.events = rate * learned_min
    learned.squares = learned.events * (fano + BLOCK_MIN * rate)
