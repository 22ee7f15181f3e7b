"""Decide when a stream of events is a spike: how improbable it is for what the stream usually does.

docs/DETECTION.md has the model, the formulae and the measurements.
"""

import math
from collections.abc import Iterator
from typing import Literal

import msgspec

from engine.statistics import negative_binomial
from engine.statistics.alarm_budget import alarm_nats
from engine.statistics.baseline import (
    AS_USUAL,
    HOLD_S,
    MINUTE_S,
    TOLD,
    Baseline,
    Stream,
    advance,
    measure_height,
    read,
    write,
)
from engine.statistics.burst_memory import USUAL_FROM, count_like, no_lower
from engine.statistics.time_scales import Usual, block_window, windows

ESCALATION = 5.0
"""A burst is told again when it reaches this many times its first height."""

LEAST_EVENTS = 5
"""Fewer events are no burst, however quiet it was before."""

_FIRST_LOOK = 4
_NEVER = 1 << 62
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
    last_s = baseline.at_s
    at_s = max(at_s, last_s)
    counted = baseline.in_minute + count
    if counted < baseline.next_look and at_s // MINUTE_S == last_s // MINUTE_S:
        baseline.in_minute = counted
        baseline.at_s = at_s
        return None
    stream = read(baseline)
    advance(baseline, stream, at_s)
    baseline.in_minute += count
    alarm = _judge(baseline, stream, nats)
    write(baseline, stream)
    return alarm


def reading(baseline: Baseline, at_s: float, nats: float = _ONE_STREAM) -> dict[str, float]:
    """Return the numbers behind a decision at `at_s`, for two minutes; change nothing.

    In a burst that is this stream's way of life, `bursts` is how many came in a week.
    """
    now, stream = baseline, read(baseline)
    if at_s // MINUTE_S > _minute(baseline):
        now = msgspec.structs.replace(baseline)
        advance(now, stream, at_s)
    _, (minutes, content), *_ = windows(stream.events, _minute(now), now.in_minute)
    usual = stream.pace.usual(minutes)
    found = {
        "rate_per_min": content / minutes,
        "usual_per_min": usual.mean / minutes,
        "threshold": max(usual.content_for(nats), float(LEAST_EVENTS)),
        "factor": content / usual.mean,
    }
    if stream.since_s and stream.told == AS_USUAL:
        found["bursts"] = 1.0 + count_like(stream.bursts, stream.burst)
    return found


def _minute(baseline: Baseline) -> int:
    return int(baseline.at_s // MINUTE_S)


def _judge(baseline: Baseline, stream: Stream, nats: float) -> Alarm | None:
    """Judge the running minute, and note at which count it must be judged again."""
    if not stream.is_warm:
        # A first burst is the news of a new issue.
        baseline.next_look = _NEVER
        return None
    minute, counted = _minute(baseline), baseline.in_minute
    late = stream.events.before[-1] + stream.events.running[-1]
    if late + counted < LEAST_EVENTS:
        baseline.next_look = LEAST_EVENTS - int(late)
        return None
    ahead = max(2 * counted, _FIRST_LOOK)
    if _improbable(stream, minute, ahead, nats) is None:
        baseline.next_look = ahead + 1
        return None
    found = _improbable(stream, minute, counted, nats)
    if found is not None:
        return _go_on(baseline, stream, found, nats)
    # More events are never less surprising.
    while ahead - counted > 1:
        between = (counted + ahead) // 2
        if _improbable(stream, minute, between, nats) is None:
            counted = between
        else:
            ahead = between
    baseline.next_look = ahead
    return None


def _improbable(stream: Stream, minute: int, in_minute: int, nats: float) -> _Found | None:
    """Return the most surprising window with this count, if it is enough for an alarm."""
    candidates = _candidates(stream, minute, in_minute, nats)
    found = max(candidates, key=lambda each: each.surprise, default=None)
    return found if found is not None and found.surprise >= nats else None


def _candidates(stream: Stream, minute: int, in_minute: int, nats: float) -> Iterator[_Found]:
    """Yield the windows that may be surprising enough, by their events and by evened events.

    Most windows would not be even if their events came independently. That costs a fraction of the
    full check to tell.
    """
    pace, evened = stream.pace, stream.pace_evened
    most = stream.evened_to(minute, in_minute)
    for (minutes, count), (_, content) in zip(
        windows(stream.events, minute, in_minute),
        windows(stream.evened, minute, most),
        strict=True,
    ):
        if count < LEAST_EVENTS:
            continue
        if negative_binomial.poisson_surprise(count, pace.rate * minutes) >= nats:
            usual = pace.usual(minutes)
            yield _Found(usual.surprise(count), minutes, count, usual)
        if negative_binomial.poisson_surprise(content, evened.rate * minutes) >= nats:
            usual = evened.usual_evened(minutes)
            yield _Found(usual.surprise(content), minutes, count, usual)


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
        baseline.next_look = counted + 1
        return _tell(stream, minute, found, nats)
    baseline.next_look = _NEVER
    if stream.escalated or stream.is_settling(minute):
        return None
    minutes, closed = block_window(stream.events, minute)
    needed = ESCALATION * stream.first_height * minutes
    if closed + counted < needed:
        baseline.next_look = math.ceil(needed - closed)
        return None
    stream.escalated = 1.0
    usual = stream.pace.usual(minutes)
    found = _Found(usual.surprise(closed + counted), minutes, closed + counted, usual)
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
