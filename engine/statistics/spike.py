"""Decide when a stream of events is a spike: how improbable it is for what the stream usually does.

docs/DETECTION.md has the model, the formulae and the measurements.
"""

import math
from collections.abc import Iterator
from typing import Literal

import msgspec

from engine.numbers import rounded
from engine.statistics import negative_binomial
from engine.statistics.alarm_budget import alarm_nats
from engine.statistics.baseline import (
    AS_USUAL,
    HOLD_S,
    MINUTE_S,
    NEVER,
    TOLD,
    Baseline,
    Stream,
    add_quietly,
    advance,
    block_window,
    is_quiet,
    leave_alone,
    leave_cold,
    measure_height,
    read,
    write,
)
from engine.statistics.burst_memory import USUAL_FROM, count_like, no_lower
from engine.statistics.time_scales import SHORTEST, Usual, Window, windows

ESCALATION = 5.0
"""A burst is told again when it reaches this many times its first height."""

LEAST_EVENTS = 5
"""Fewer events are no burst, however quiet it was before."""

LOOK_EVERY_MIN = 60
"""A stream is looked at this often, and more often as long as little of it is learned."""

CALM = 0.8
"""A stream need not be looked at while nothing can reach this part of an alarm's surprise."""

_FIRST_LOOK = 4
_ENOUGH = 2
_ONE_STREAM = alarm_nats(1)

Kind = Literal["spike", "escalated", "as_usual"]


class Alarm(msgspec.Struct, frozen=True):
    """A burst, told once; `rate` and `usual` are per minute, `log10_p` is its improbability.

    Of kind `as_usual`, it is one more of those that are this stream's way of life. `like` is how
    many in the week before were as high and as long.
    """

    kind: Kind
    rate: float
    usual: float
    count: int
    window_s: int
    threshold: float
    factor: float
    log10_p: float
    like: int


class _Found(msgspec.Struct, frozen=True, gc=False):
    """A window that is improbable, with its events; what is `usual` may be of evened ones."""

    surprise: float
    minutes: int
    count: float
    usual: Usual


def observe(
    baseline: Baseline, at_s: float, count: int = 1, nats: float = _ONE_STREAM
) -> Alarm | None:
    """Count `count` events at `at_s`; an earlier time than the last one counts as the last.

    Return the alarm that the last of them raises, if a window is as surprising as `nats`: one of
    kind `spike` for a burst, and at most one more, `escalated`, before it is over. A burst that is
    this stream's way of life raises one of kind `as_usual` first, and a spike only if it gets
    higher or longer than those that are remembered.
    """
    if not is_quiet(baseline, at_s, count):
        return look(baseline, at_s, count, nats)
    add_quietly(baseline, at_s, count)
    return None


def look(baseline: Baseline, at_s: float, count: int, nats: float) -> Alarm | None:
    """Do as `observe` where it is not certain that nothing is unusual (`is_quiet`)."""
    stream = read(baseline)
    advance(baseline, stream, max(at_s, baseline.at_s))
    baseline.in_minute += count
    alarm = _judge(baseline, stream, nats)
    write(baseline, stream)
    if stream.is_warm:
        usual = stream.pace.usual(2)
        baseline.usual_per_min = rounded(usual.mean / 2)
        baseline.threshold = rounded(max(usual.content_for(nats), float(LEAST_EVENTS)))
    in_usual_burst = stream.since_s and stream.told == AS_USUAL
    baseline.bursts = 1 + count_like(stream.bursts, stream.burst) if in_usual_burst else 0
    return alarm


def usual_per_min(baseline: Baseline, at_s: float) -> float:
    """Return how many events a minute are usual at `at_s`; change nothing."""
    now, stream = msgspec.structs.replace(baseline), read(baseline)
    advance(now, stream, max(at_s, now.at_s))
    return stream.pace.rate


def _minute(baseline: Baseline) -> int:
    return int(baseline.at_s // MINUTE_S)


def _judge(baseline: Baseline, stream: Stream, nats: float) -> Alarm | None:
    """Judge the running minute, and note how many events may come before the next look."""
    minute, counted = _minute(baseline), baseline.in_minute
    if not stream.is_warm:
        # A first burst is the news of a new issue.
        leave_cold(baseline, stream.learned_min)
        return None
    found = _windows(stream, minute, counted)
    if not stream.since_s and _left_alone(baseline, stream, found, nats):
        return None
    baseline.spare_until = minute
    ahead = max(2 * counted, _FIRST_LOOK)
    if _improbable(stream, _windows(stream, minute, ahead), nats) is None:
        baseline.spare = ahead - counted
        return None
    unusual = _improbable(stream, found, nats)
    if unusual is not None:
        return _go_on(baseline, stream, unusual, nats)
    # More events are never less surprising.
    enough = counted
    while ahead - enough > 1:
        between = (enough + ahead) // 2
        if _improbable(stream, _windows(stream, minute, between), nats) is None:
            enough = between
        else:
            ahead = between
    baseline.spare = ahead - 1 - counted
    return None


def _left_alone(baseline: Baseline, stream: Stream, found: list[Window], nats: float) -> bool:
    """Note how many events may come, over minutes, before the next look; False if it is close."""
    few = LEAST_EVENTS - 1 - found[-1][1]
    if few >= _ENOUGH:
        leave_alone(baseline, few, NEVER)
        return True
    calm = _calm_events(stream, found, CALM * nats)
    look_min = int(min(stream.learned_min / 16.0, LOOK_EVERY_MIN))
    leave_alone(baseline, calm, _minute(baseline) + look_min)
    return calm > 0


def _calm_events(stream: Stream, found: list[Window], nats: float) -> int:
    """Return how many events may follow before any window is so surprising; not the most of them.

    Whenever they come: a window is shortest when its bucket has just begun.
    """
    pace, evened_pace = stream.pace, stream.pace_evened
    more = max(found[-1][1], 16)
    for minutes, (_, count, evened) in zip(SHORTEST, found, strict=True):
        mean = pace.rate * minutes
        if negative_binomial.poisson_surprise(count + more, mean) >= nats:
            usual = pace.usual(minutes)
            while more and usual.surprise(count + more) >= nats:
                more = more * 2 // 3
        mean = evened_pace.rate * minutes
        if negative_binomial.poisson_surprise(evened + more, mean) >= nats:
            usual = evened_pace.usual_evened(minutes)
            while more and usual.surprise(evened + more) >= nats:
                more = more * 2 // 3
    return more


def _windows(stream: Stream, minute: int, in_minute: int) -> list[Window]:
    return windows(stream.minutes, minute, in_minute, stream.evened_to(minute, in_minute))


def _improbable(stream: Stream, found: list[Window], nats: float) -> _Found | None:
    """Return the most surprising of these windows, if it is enough for an alarm."""
    most = max(_candidates(stream, found, nats), key=lambda each: each.surprise, default=None)
    return most if most is not None and most.surprise >= nats else None


def _candidates(stream: Stream, found: list[Window], nats: float) -> Iterator[_Found]:
    """Yield the windows that may be surprising enough, by their events and by evened events.

    Most windows would not be even if their events came independently. That costs a fraction of the
    full check to tell.
    """
    pace, pace_evened = stream.pace, stream.pace_evened
    for minutes, count, evened in found:
        if count < LEAST_EVENTS:
            continue
        if negative_binomial.poisson_surprise(count, pace.rate * minutes) >= nats:
            usual = pace.usual(minutes)
            yield _Found(usual.surprise(count), minutes, count, usual)
        if negative_binomial.poisson_surprise(evened, pace_evened.rate * minutes) >= nats:
            usual = pace_evened.usual_evened(minutes)
            yield _Found(usual.surprise(evened), minutes, count, usual)


def _go_on(baseline: Baseline, stream: Stream, found: _Found, nats: float) -> Alarm | None:
    """Begin a burst or go on with it; return what people should hear of it."""
    minute, counted = _minute(baseline), baseline.in_minute
    begins = not stream.since_s
    if begins:
        stream.since_s = baseline.at_s
        stream.burst_events = stream.height = stream.told = stream.escalated = 0.0
    stream.quiet_s = (minute + 1) * MINUTE_S + HOLD_S
    measure_height(stream, minute, counted)
    if stream.told != TOLD:
        baseline.spare = 0
        return _tell(stream, minute, found, nats)
    baseline.spare = NEVER
    if stream.escalated or stream.is_settling(minute):
        return None
    minutes, count = block_window(stream, minute, counted)
    needed = ESCALATION * stream.first_height * minutes
    if count < needed:
        baseline.spare = math.ceil(needed) - 1 - count
        return None
    stream.escalated = 1.0
    usual = stream.pace.usual(minutes)
    found = _Found(usual.surprise(count), minutes, count, usual)
    alarm = _alarm(stream, "escalated", found, nats)
    return msgspec.structs.replace(alarm, threshold=max(alarm.threshold, needed))


def _tell(stream: Stream, minute: int, found: _Found, nats: float) -> Alarm | None:
    """Tell of the burst, unless it is one more of those that are usual here.

    If some of those remembered were as high and as long, it takes some minutes to see whether this
    is one of them, or of a lower kind.
    """
    like = 0
    if len(no_lower(stream.bursts, stream.burst)) >= USUAL_FROM:
        if stream.is_settling(minute):
            return None
        like = count_like(stream.bursts, stream.burst)
    if like < USUAL_FROM:
        stream.told = TOLD
        return _alarm(stream, "spike", found, nats)
    if stream.told == AS_USUAL:
        return None
    stream.told = AS_USUAL
    return _alarm(stream, "as_usual", found, nats, like)


def _alarm(stream: Stream, kind: Kind, found: _Found, nats: float, like: int = 0) -> Alarm:
    """Return the alarm of this window in numbers for people: events, whatever was added up."""
    mean = stream.pace.rate * found.minutes
    needed = found.usual.content_for(nats) / found.usual.mean
    return Alarm(
        kind=kind,
        rate=found.count / found.minutes,
        usual=mean / found.minutes,
        count=int(found.count),
        window_s=60 * found.minutes,
        threshold=max(mean * needed, float(LEAST_EVENTS)),
        factor=found.count / mean,
        log10_p=negative_binomial.log_tail(found.surprise) / math.log(10.0),
        like=like,
    )
