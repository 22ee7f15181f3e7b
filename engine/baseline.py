"""When is a stream of events a spike? What it usually does, and what would be improbable.

One `Baseline` watches one stream: the events of an issue, or those of a service as a whole. It
has constant size, forgets lazily (empty minutes count and cost nothing), and its only clock is
the time of the events. docs/DETECTION.md has the model, the formulae and the measurements.
"""

import math
import struct
from typing import Literal

import msgspec

from engine import tail

MINUTE_S = 60.0
MONTH_MIN = 30 * 1440

MEMORY_MIN = 2 * 1440.0
"""Forgetting time: long enough to hold a day's rhythm, short enough to follow a slow ramp."""

BUDGET = 0.05
"""False alarms that each time scale may raise in a month of a stream."""

WARM_UP_MIN = 15.0
"""Exposure without which nothing is unusual: a first burst is the news of a new issue."""

PRIOR_FANO = 5.0
"""Variance over mean before it is known: clusters of retries, five at a time."""

PRIOR_EVENTS = 20.0
"""How many events of its own outweigh that prior."""

STEADIEST_SHAPE = 20.0
"""No rate is trusted to be steadier than 1/sqrt(20) = 22 %: what keeps 2x at a high rate quiet."""

HOLD_S = 30 * MINUTE_S
"""An alarm lasts until the rate has been usual for so long: one alarm for one burst."""

CALM_P = 0.01
"""A rate is usual again when its own dispersion makes it no rarer than this."""

SETTLE_S = 5 * MINUTE_S
"""A burst shows its height in this time; only what comes later can be an escalation."""

ESCALATION = 5.0
"""How many times its first height a burst must reach to be said once more."""

ABSORB_S = 86400.0
"""An alarm that lasts longer is the new level: a day, so that no night ends it."""

SCALES_MIN = (1, 5, 15)
"""Bucket lengths; each window is the running bucket and the one before it."""

_ALARM_NATS = tuple(tail.surprise_of(BUDGET * 2 * w / MONTH_MIN) for w in SCALES_MIN)
_CALM_NATS = tail.surprise_of(CALM_P)


class Baseline(msgspec.Struct, array_like=True):
    """The state of one stream: `_Levels`, packed, since a float object costs 24 bytes."""

    packed: bytes


class Alarm(msgspec.Struct, frozen=True):
    """A burst, told once; `rate` and `usual` are per minute, `log10_p` its improbability."""

    kind: Literal["spike", "escalated"]
    rate: float
    usual: float
    count: int
    window_s: int
    threshold: float
    factor: float
    log10_p: float


class _Levels(msgspec.Struct):
    """What is known of a stream; counts by bucket, sums forgotten over `MEMORY_MIN`."""

    at_s: float
    running_1: float = 0.0
    before_1: float = 0.0
    running_5: float = 0.0
    before_5: float = 0.0
    running_15: float = 0.0
    before_15: float = 0.0
    active: float = 0.0
    active_before: float = 0.0
    exposure: float = 0.0
    events: float = 0.0
    squares_1: float = 0.0
    squares_5: float = 0.0
    squares_15: float = 0.0
    actives: float = 0.0
    squares_active: float = 0.0
    alarm_since_s: float = 0.0
    alarm_events: float = 0.0
    alarm_peak: float = 0.0
    escalated: float = 0.0
    quiet_s: float = 0.0


_LAYOUT = struct.Struct(f"<{len(_Levels.__struct_fields__)}d")


def _read(baseline: Baseline) -> _Levels:
    return _Levels(*_LAYOUT.unpack(baseline.packed))


def _write(baseline: Baseline, levels: _Levels) -> None:
    baseline.packed = _LAYOUT.pack(*msgspec.structs.astuple(levels))


def new_baseline(at_s: float) -> Baseline:
    """A stream that begins at `at_s` (event time, epoch seconds) and has no event yet."""
    baseline = Baseline(b"")
    _write(baseline, _Levels(at_s, quiet_s=at_s))
    return baseline


def observe(baseline: Baseline, at_s: float, count: int = 1) -> Alarm | None:
    """Count `count` events at `at_s`; an earlier time than the last one counts as the last.

    Answers the alarm that the last of them raises: one of kind `spike` for a burst, and at most
    one more, `escalated`, before it is over.
    """
    levels = _read(baseline)
    _advance(levels, max(at_s, levels.at_s))
    if levels.running_1 == 0.0:
        levels.active += 1.0
    levels.running_1 += count
    levels.running_5 += count
    levels.running_15 += count
    alarm = _judge_open(levels, count) if levels.alarm_since_s else _judge_quiet(levels)
    _write(baseline, levels)
    return alarm


def quiet_at(baseline: Baseline) -> float:
    """When the rate is back if nothing more arrives; only ever moved later by later events."""
    return _read(baseline).quiet_s


def reading(baseline: Baseline, at_s: float) -> dict[str, float]:
    """The numbers behind a decision at `at_s`; changes nothing."""
    levels = _read(baseline)
    _advance(levels, max(at_s, levels.at_s))
    usual = _usual(levels)
    mean = 2.0 * usual
    shape = _shape(levels, mean, levels.squares_1, 1, levels.events)
    now = levels.running_1 + levels.before_1
    return {
        "rate_per_min": now / 2.0,
        "usual_per_min": usual,
        "threshold": tail.count_for(_ALARM_NATS[0], mean, shape),
        "factor": now / mean,
    }


def words(alarm: Alarm) -> str:
    """The alarm for people: "41 in 2 minutes, usually 2.1"."""
    minutes = alarm.window_s // 60
    return f"{alarm.count} in {minutes} minutes, usually {alarm.usual * minutes:.2g}"


def _usual(levels: _Levels) -> float:
    """Events per minute, with one event in five minutes as all that is known beforehand."""
    return (levels.events + 1.0) / (levels.exposure + 5.0)


def _shape(levels: _Levels, mean: float, squares: float, bucket_min: int, events: float) -> float:
    """The shape r of windows with this mean, from their second moment (method of moments).

    Fano factor F = variance/mean of what was seen, weighed against the prior; then the
    variance is F*mean, plus what the mean itself is uncertain by (F/events of its square), plus
    what no rate is trusted to be steadier than.
    """
    fano = PRIOR_FANO
    if events > 0.0:
        seen_mean = 2.0 * bucket_min * events / levels.exposure
        seen = squares * bucket_min / levels.exposure / seen_mean - seen_mean
        fano = (events * max(seen, 1.0) + PRIOR_EVENTS * PRIOR_FANO) / (events + PRIOR_EVENTS)
    return 1.0 / ((fano - 1.0) / mean + fano / (events + 1.0) + 1.0 / STEADIEST_SHAPE)


def _windows(levels: _Levels) -> tuple[tuple[float, float, float, float, int], ...]:
    """(count, mean, shape, nats that alarm, bucket minutes) of every window."""
    usual = _usual(levels)
    found = []
    for bucket, now, squares, nats in (
        (1, levels.running_1 + levels.before_1, levels.squares_1, _ALARM_NATS[0]),
        (5, levels.running_5 + levels.before_5, levels.squares_5, _ALARM_NATS[1]),
        (15, levels.running_15 + levels.before_15, levels.squares_15, _ALARM_NATS[2]),
    ):
        mean = 2.0 * bucket * usual
        shape = _shape(levels, mean, squares, bucket, levels.events)
        found.append((now, mean, shape, nats, bucket))
    active_mean = 30.0 * (levels.actives + 1.0) / (levels.exposure + 5.0)
    active_shape = _shape(levels, active_mean, levels.squares_active, 15, levels.actives)
    now = levels.active + levels.active_before
    found.append((now, active_mean, active_shape, _ALARM_NATS[2], 15))
    return tuple(found)


def _judge_quiet(levels: _Levels) -> Alarm | None:
    if levels.exposure < WARM_UP_MIN:
        return None
    for now, mean, shape, nats, bucket in _windows(levels):
        found = tail.surprise(now, mean, shape)
        if found >= nats:
            levels.alarm_since_s = levels.at_s
            levels.alarm_events = 0.0
            levels.alarm_peak = 0.0
            levels.escalated = 0.0
            levels.quiet_s = levels.at_s + HOLD_S
            threshold = tail.count_for(nats, mean, shape)
            return Alarm(
                kind="spike",
                rate=now / (2.0 * bucket),
                usual=mean / (2.0 * bucket),
                count=int(now),
                window_s=120 * bucket,
                threshold=threshold,
                factor=now / mean,
                log10_p=tail.log_tail(found) / math.log(10.0),
            )
    return None


def _judge_open(levels: _Levels, count: int) -> Alarm | None:
    levels.alarm_events += count
    windows = _windows(levels)
    if any(tail.surprise(now, mean, shape) > _CALM_NATS for now, mean, shape, _, _ in windows):
        levels.quiet_s = levels.at_s + HOLD_S
    now, mean, shape, nats, bucket = windows[1]
    if levels.at_s - levels.alarm_since_s < SETTLE_S:
        levels.alarm_peak = max(levels.alarm_peak, now)
        return None
    if levels.escalated or now < ESCALATION * levels.alarm_peak:
        return None
    if tail.surprise(now, mean, shape) < nats:
        return None
    levels.escalated = 1.0
    return Alarm(
        kind="escalated",
        rate=now / (2.0 * bucket),
        usual=mean / (2.0 * bucket),
        count=int(now),
        window_s=120 * bucket,
        threshold=ESCALATION * levels.alarm_peak,
        factor=now / mean,
        log10_p=tail.log_tail(tail.surprise(now, mean, shape)) / math.log(10.0),
    )


def _advance(levels: _Levels, at_s: float) -> None:
    """Let the time up to `at_s` pass: close buckets, forget, learn, end the alarm."""
    if levels.alarm_since_s:
        if at_s - levels.alarm_since_s > ABSORB_S:
            _absorb(levels)
        elif at_s > levels.quiet_s:
            _end_alarm(levels)
    minute, last = int(at_s // MINUTE_S), int(levels.at_s // MINUTE_S)
    levels.at_s = at_s
    if minute == last:
        return
    learning = not levels.alarm_since_s
    if learning:
        passed = minute - last
        kept = math.exp(-passed / MEMORY_MIN)
        levels.exposure = levels.exposure * kept + (1.0 - kept) * MEMORY_MIN
        levels.events = levels.events * kept + levels.running_1
        levels.actives = levels.actives * kept + (levels.running_1 > 0.0)
        levels.squares_1 *= kept
        levels.squares_5 *= kept
        levels.squares_15 *= kept
        levels.squares_active *= kept
        levels.squares_1 += _pairs(levels.running_1, levels.before_1, passed)
    levels.before_1 = levels.running_1 if minute - last == 1 else 0.0
    levels.running_1 = 0.0
    passed = minute // 5 - last // 5
    if passed:
        if learning:
            levels.squares_5 += _pairs(levels.running_5, levels.before_5, passed)
        levels.before_5 = levels.running_5 if passed == 1 else 0.0
        levels.running_5 = 0.0
    passed = minute // 15 - last // 15
    if passed:
        if learning:
            levels.squares_15 += _pairs(levels.running_15, levels.before_15, passed)
            levels.squares_active += _pairs(levels.active, levels.active_before, passed)
        levels.before_15 = levels.running_15 if passed == 1 else 0.0
        levels.active_before = levels.active if passed == 1 else 0.0
        levels.running_15 = 0.0
        levels.active = 0.0


def _pairs(running: float, before: float, passed: int) -> float:
    """The squares of the windows that `passed` closed buckets complete, all but one empty."""
    closed = (running + before) ** 2
    return closed + running**2 if passed > 1 else closed


def _end_alarm(levels: _Levels) -> None:
    """Learning goes on from the moment at which the rate was back, with empty windows."""
    levels.at_s = max(levels.at_s, levels.quiet_s)
    _forget_windows(levels)


def _absorb(levels: _Levels) -> None:
    """The level of this alarm is the usual one from now on, as spread out as before."""
    lasted_min = (levels.at_s - levels.alarm_since_s) / MINUTE_S
    grown = (levels.alarm_events / max(lasted_min, 1.0)) / _usual(levels)
    levels.events *= grown
    levels.squares_1 *= grown * grown
    levels.squares_5 *= grown * grown
    levels.squares_15 *= grown * grown
    levels.actives = min(levels.actives * grown, levels.exposure)
    levels.squares_active = max(
        levels.squares_active, (30.0 * levels.actives / max(levels.exposure, 1.0)) ** 2
    )
    levels.quiet_s = max(levels.quiet_s, levels.at_s)
    _forget_windows(levels)


def _forget_windows(levels: _Levels) -> None:
    levels.alarm_since_s = 0.0
    levels.running_1 = levels.before_1 = 0.0
    levels.running_5 = levels.before_5 = 0.0
    levels.running_15 = levels.before_15 = 0.0
    levels.active = levels.active_before = 0.0
