"""Decide when a stream of events is a spike: what it usually does, and what is improbable.

One `Baseline` watches one stream: the events of an issue, or those of a service as a whole. It has
constant size, forgets lazily (empty minutes count and cost nothing), and its only clock is the time
of the events. docs/DETECTION.md has the model, the formulae and the measurements.
"""

import math
import struct
from typing import Literal

import msgspec

from engine.statistics import negative_binomial
from engine.statistics.time_scales import (
    ALARM_NATS,
    SCALES,
    WARM_UP,
    Window,
    expected_content,
    learn,
    usual_content,
)

MINUTE_S = 60.0

HOLD_S = 30 * MINUTE_S
"""An alarm lasts until the rate has been usual for this long: one alarm for one burst."""

CALM_P = 0.01
"""A rate is usual again when its own dispersion makes it no rarer than this."""

SETTLE_S = 5 * MINUTE_S
"""A burst shows its height in this time; only what comes later can be an escalation."""

ESCALATION = 5.0
"""A burst is told again when it reaches this many times its first height."""

ABSORB_S = 86400.0
"""An alarm that lasts longer is the new level: a day, so that no night ends it."""

HABIT_FROM = 3.5
"""Bursts with more than this many times the surprise of an alarm are a stream's habit:"""

HABIT_WEIGHT = 0.5
"""this share of what is beyond it raises the bar for the next burst,"""

HABIT_LIMIT = 5.0
"""the bar is never more than this many times the surprise,"""

HABIT_S = 40 * 86400.0
"""and bursts are remembered for this long."""

Kind = Literal["spike", "escalated"]


_CALM_NATS = negative_binomial.surprise_of(CALM_P)


class Baseline(msgspec.Struct, array_like=True):
    """The state of one stream: `_Stream`, packed, because a float object costs 24 bytes."""

    packed: bytes


class Alarm(msgspec.Struct, frozen=True):
    """A burst, told once; `rate` and `usual` are per minute, `log10_p` is its improbability."""

    kind: Kind
    rate: float
    usual: float
    count: int
    window_s: int
    threshold: float
    factor: float
    log10_p: float


class _Stream(msgspec.Struct, gc=False):
    """What is known of a stream. `long_running` and `long_before` are counts of 15 minutes."""

    windows: tuple[Window, Window, Window]
    at_s: float
    minute: float
    long_running: float
    long_before: float
    alarm_since_s: float
    alarm_events: float
    first_height: float
    escalated: float
    quiet_s: float


_HEAD = 9
_EACH = len(Window.__struct_fields__)
_TWO, _THREE = _HEAD + _EACH, _HEAD + 2 * _EACH
_LAYOUT = struct.Struct(f"<{_HEAD + 3 * _EACH}d")


def new_baseline(at_s: float) -> Baseline:
    """Return a stream that begins at `at_s` (event time, epoch seconds) and has no event yet."""
    baseline = Baseline(b"")
    windows = (Window(), Window(), Window())
    _write(baseline, _Stream(windows, at_s, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, at_s))
    return baseline


def observe(baseline: Baseline, at_s: float, count: int = 1) -> Alarm | None:
    """Count `count` events at `at_s`; an earlier time than the last one counts as the last.

    Return the alarm that the last of them raises: one of kind `spike` for a burst, and at most one
    more, `escalated`, before it is over.
    """
    stream = _read(baseline)
    # In a flood, one look a second is enough to see how it goes on.
    looked = bool(stream.alarm_since_s) and at_s < math.floor(stream.at_s) + 1.0
    _advance(stream, max(at_s, stream.at_s))
    minute, five, fifteen = stream.windows
    evened = math.sqrt(stream.minute + count) - math.sqrt(stream.minute)
    stream.minute += count
    stream.long_running += count
    minute.running += count
    five.running += count
    fifteen.running += evened
    alarm = None
    if not stream.alarm_since_s:
        alarm = _judge_quiet(stream)
    else:
        stream.alarm_events += count
        if not looked:
            alarm = _judge_open(stream)
    _write(baseline, stream)
    return alarm


def quiet_at(baseline: Baseline) -> float:
    """Return when the rate is back if nothing more arrives; later events only move it later."""
    return _read(baseline).quiet_s


def reading(baseline: Baseline, at_s: float) -> dict[str, float]:
    """Return the numbers behind a decision at `at_s`; change nothing."""
    stream = _read(baseline)
    _advance(stream, max(at_s, stream.at_s))
    minute = stream.windows[0]
    expected = expected_content(minute, SCALES[0])
    return {
        "rate_per_min": minute.content / 2.0,
        "usual_per_min": expected.mean / 2.0,
        "threshold": negative_binomial.count_for(ALARM_NATS[0], expected.mean, expected.shape),
        "factor": minute.content / expected.mean,
    }


def _read(baseline: Baseline) -> _Stream:
    values = _LAYOUT.unpack(baseline.packed)
    one = Window(*values[_HEAD:_TWO])
    two = Window(*values[_TWO:_THREE])
    three = Window(*values[_THREE:])
    return _Stream((one, two, three), *values[:_HEAD])


def _write(baseline: Baseline, stream: _Stream) -> None:
    windows, *head = msgspec.structs.astuple(stream)
    one, two, three = map(msgspec.structs.astuple, windows)
    baseline.packed = _LAYOUT.pack(*head, *one, *two, *three)


def _judge_quiet(stream: _Stream) -> Alarm | None:
    if not _may_alarm(stream):
        return None
    reached = _reached(stream)
    if max(reached) < 1.0:
        return None
    kept = math.exp(-(stream.at_s - stream.quiet_s) / HABIT_S)
    found = None
    for number, (window, ratio) in enumerate(zip(stream.windows, reached, strict=True)):
        if window.windows < WARM_UP[number]:
            continue
        habit = max(window.peak * kept - HABIT_FROM, 0.0)
        if found is None and ratio >= min(HABIT_LIMIT, 1.0 + HABIT_WEIGHT * habit):
            found = number
    if found is None:
        return None
    for window, ratio in zip(stream.windows, reached, strict=True):
        window.peak = max(ratio, window.peak * kept)
    stream.alarm_since_s = stream.at_s
    stream.alarm_events = 0.0
    stream.first_height = 0.0
    stream.escalated = 0.0
    stream.quiet_s = stream.at_s + HOLD_S
    return _alarm(stream, "spike", found)


def _judge_open(stream: _Stream) -> Alarm | None:
    reached = _reached(stream)
    for window, ratio, nats in zip(stream.windows, reached, ALARM_NATS, strict=True):
        window.peak = max(window.peak, ratio)
        if ratio * nats > _CALM_NATS:
            stream.quiet_s = stream.at_s + HOLD_S
    height = stream.windows[1].content
    if stream.at_s - stream.alarm_since_s < SETTLE_S:
        stream.first_height = max(stream.first_height, height)
        return None
    if stream.escalated or height < ESCALATION * stream.first_height or reached[1] < 1.0:
        return None
    stream.escalated = 1.0
    return _alarm(stream, "escalated", 1)


def _may_alarm(stream: _Stream) -> bool:
    """Return False if an alarm is impossible. This costs a fraction of the full check.

    An alarm is impossible if not even a Poisson count, the steadiest there is, would be surprising
    enough. It is also impossible if too little is known for a surprise: a first burst is the news
    of a new issue. One of these is nearly always so.
    """
    for window, scale, nats, warm_up in zip(
        stream.windows, SCALES, ALARM_NATS, WARM_UP, strict=True
    ):
        if window.windows < warm_up:
            continue
        content, mean = window.content, usual_content(window, scale)
        if content > mean and content * math.log(content / mean) - content + mean >= nats:
            return True
    return False


def _reached(stream: _Stream) -> list[float]:
    """Return how much of the surprise that raises an alarm each window has."""
    return [
        expected_content(window, scale).surprise(window.content) / nats
        for window, scale, nats in zip(stream.windows, SCALES, ALARM_NATS, strict=True)
    ]


def _alarm(stream: _Stream, kind: Kind, number: int) -> Alarm:
    """Return the alarm of this scale in numbers for people: events, whatever the scale adds up."""
    window, scale = stream.windows[number], SCALES[number]
    expected = expected_content(window, scale)
    count = stream.long_running + stream.long_before if scale.evened else window.content
    minutes = 2 * scale.bucket_min
    usual = usual_content(stream.windows[0], SCALES[0]) / 2.0
    mean = usual * minutes if scale.evened else expected.mean
    needed = negative_binomial.count_for(
        ALARM_NATS[number], expected.mean / expected.unit, expected.shape
    )
    threshold = mean * needed * expected.unit / expected.mean
    if kind == "escalated":
        threshold = max(threshold, ESCALATION * stream.first_height)
    return Alarm(
        kind=kind,
        rate=count / minutes,
        usual=mean / minutes,
        count=int(count),
        window_s=60 * minutes,
        threshold=threshold,
        factor=count / mean,
        log10_p=negative_binomial.log_tail(expected.surprise(window.content)) / math.log(10.0),
    )


def _advance(stream: _Stream, at_s: float) -> None:
    """Let the time up to `at_s` pass: close buckets, forget, learn, end the alarm."""
    if stream.alarm_since_s:
        if at_s - stream.alarm_since_s > ABSORB_S:
            _absorb(stream, at_s)
        elif at_s > stream.quiet_s:
            # Learning goes on from the moment at which the rate was back.
            _roll(stream, max(stream.quiet_s, stream.at_s))
            stream.alarm_since_s = 0.0
    _roll(stream, at_s)


def _roll(stream: _Stream, at_s: float) -> None:
    minute, last = int(at_s // MINUTE_S), int(stream.at_s // MINUTE_S)
    stream.at_s = at_s
    if minute == last:
        return
    stream.minute = 0.0
    learning = not stream.alarm_since_s
    for window, scale in zip(stream.windows, SCALES, strict=True):
        closed = minute // scale.bucket_min - last // scale.bucket_min
        if not closed:
            continue
        if learning:
            learn(window, scale, closed)
        window.before = window.running if closed == 1 else 0.0
        window.running = 0.0
        if scale.evened:
            stream.long_before = stream.long_running if closed == 1 else 0.0
            stream.long_running = 0.0


def _absorb(stream: _Stream, at_s: float) -> None:
    """Make the level of this alarm the usual one from now on, as spread out as before."""
    lasted_min = (at_s - stream.alarm_since_s) / MINUTE_S
    usual = usual_content(stream.windows[0], SCALES[0]) / 2.0
    grown = stream.alarm_events / lasted_min / usual
    for window, scale in zip(stream.windows, SCALES, strict=True):
        factor = math.sqrt(grown) if scale.evened else grown
        window.total *= factor
        window.squares *= factor * factor
    stream.quiet_s = max(stream.quiet_s, stream.at_s)
    stream.alarm_since_s = 0.0
