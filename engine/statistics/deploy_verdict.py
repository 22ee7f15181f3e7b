"""Judge what a deploy did to its service's errors, by comparing counts after it with the usual.

A deploy is watched for half an hour. Each issue that comes is counted and compared with its rate
from before. An issue that was never seen is compared with the rate at which the service has new
issues at all. A deploy is faulty as soon as one of them is improbable enough, and clean only if a
fault would have been seen. docs/DETECTION.md has the reasons for the numbers.
"""

import math

import msgspec

from engine.statistics.time_scales import PRIOR_FANO
from shared.deploy import WATCH_S
from shared.incident import ErrorRate, Numbers, Reason, Verdict
from shared.reasons import VerdictReason

LOOKS_MIN = (2.0, 5.0, 10.0, 20.0, 30.0)
"""A count is compared with what is expected by the end of the running look. Counts only grow, so
whatever is seen within a look is also seen at its end. However often the deploy is judged, there
are only as many chances to err as there are looks (Bonferroni over the looks)."""

FAULTY_P = 0.01
"""About one of a hundred harmless deploys may be called faulty,"""

SUSPECT_P = 0.1
"""and ten may be called suspect."""

LEAST_FAULTY = 3
"""Fewer events than this may be anything."""

MAX_WATCHED = 200
_MAX_REASONS = 5
_PRECISION = 1e-6


class WatchedIssue(msgspec.Struct, array_like=True):
    """One issue after a deploy; `usual` is its rate per minute before."""

    label: str
    is_new: bool
    usual: float
    count: int = 0


class Watch(msgspec.Struct, array_like=True):
    """A deploy watched since `start` (seconds), which is `late_s` after it went live.

    `new_rate` is how many new issues the service has per minute. `before` and `events` are the
    errors of the service before the deploy and since `start`. They are for people, and no part of
    the verdict.
    """

    start: float
    due: float
    late_s: float
    new_rate: float
    issues: dict[str, WatchedIssue] = {}
    before: ErrorRate | None = None
    events: int = 0


class VerdictReading(msgspec.Struct, frozen=True):
    """The verdict with its reasons; `blamed` is the issue that is the strongest reason."""

    verdict: Verdict
    reasons: list[Reason]
    blamed: str | None = None


def new_watch(
    deployed: float, now: float, new_rate: float, before: ErrorRate | None = None
) -> Watch:
    """Watch a deploy that went live at `deployed` and has been known since `now`."""
    start = max(deployed, now)
    due = max(deployed + WATCH_S, now)
    return Watch(start, due, start - deployed, new_rate, before=before)


def count_error(watch: Watch, key: str, label: str, usual: float | None) -> None:
    """Count one event after the deploy; `usual` is None for an issue never seen before it.

    Only the first call for an issue uses `label` and `usual`. Issues beyond `MAX_WATCHED` are not
    judged: with so many, there is no doubt left.
    """
    watch.events += 1
    watched = watch.issues.get(key)
    if watched is None:
        if len(watch.issues) >= MAX_WATCHED:
            return
        rate = watch.new_rate if usual is None else usual
        watched = watch.issues[key] = WatchedIssue(label, usual is None, rate)
    watched.count += 1


def judge(watch: Watch, at: float) -> VerdictReading | None:
    """Return the verdict if it is certain at `at`; at the deadline there always is one."""
    passed_min = (min(at, watch.due) - watch.start) / 60.0
    found = [(_log_p(watch, one, passed_min), key) for key, one in watch.issues.items()]
    faulty = sorted(
        (log_p, key)
        for log_p, key in found
        if log_p <= _level(watch, FAULTY_P) and watch.issues[key].count >= LEAST_FAULTY
    )
    if faulty:
        return _reading(watch, "faulty", faulty, passed_min)
    if at < watch.due:
        return None
    suspect = sorted((log_p, key) for log_p, key in found if log_p <= _level(watch, SUSPECT_P))
    if suspect:
        return _reading(watch, "suspect", suspect, passed_min)
    missing = _what_is_missing(watch, passed_min)
    if missing is not None:
        return VerdictReading("too_little_data", [missing])
    count = sum(one.count for one in watch.issues.values())
    numbers: Numbers = {"errors": count, "minutes": round(passed_min)}
    return VerdictReading("clean", [Reason(VerdictReason.NO_MORE_THAN_USUAL, numbers)])


def errors_after(watch: Watch, at: float) -> ErrorRate | None:
    """Return the errors from the deploy's announcement until `at`, or None if no time passed."""
    passed_min = round((min(at, watch.due) - watch.start) / 60.0, 2)
    return ErrorRate(watch.events, passed_min) if passed_min > 0.0 else None


def _level(watch: Watch, probability: float) -> float:
    """Return the logarithm of how improbable each issue may be, at each look."""
    return math.log(probability / (len(LOOKS_MIN) * max(len(watch.issues), 1)))


def _log_p(watch: Watch, watched: WatchedIssue, passed_min: float) -> float:
    return _log_tail(watched.count, watched.usual * _look_end(watch, passed_min))


def _log_tail(count: int, mean: float) -> float:
    """Return the logarithm of P(X >= count) for a negative binomial count of this mean.

    The variance is `PRIOR_FANO` times the mean, which allows for clusters of retries. The sum is
    over the mass function, because the tail of `negative_binomial` is an approximation for means
    that are not tiny.
    """
    if count <= mean:
        return 0.0
    shape = mean / (PRIOR_FANO - 1.0)
    ratio = 1.0 - 1.0 / PRIOR_FANO
    first = math.lgamma(count + shape) - math.lgamma(shape) - math.lgamma(count + 1.0)
    first += count * math.log(ratio) - shape * math.log(PRIOR_FANO)
    total, term, at = 0.0, 1.0, count
    while term > _PRECISION * total:
        total += term
        term *= (at + shape) / (at + 1.0) * ratio
        at += 1
    return min(first + math.log(total), 0.0)


def _look_end(watch: Watch, passed_min: float) -> float:
    whole = (watch.due - watch.start) / 60.0
    return min((look for look in LOOKS_MIN if look >= passed_min), default=whole)


def _what_is_missing(watch: Watch, passed_min: float) -> Reason | None:
    """Return why a fault would not have shown, or None if it would have."""
    if passed_min < LOOKS_MIN[0]:
        return Reason(VerdictReason.TOLD_LATE, {"minutes": round(watch.late_s / 60.0)})
    mean = watch.new_rate * _look_end(watch, passed_min)
    if _log_tail(LEAST_FAULTY, mean) > math.log(SUSPECT_P / len(LOOKS_MIN)):
        return Reason(VerdictReason.SERVICE_TOO_NEW)
    return None


def _reading(
    watch: Watch, verdict: Verdict, found: list[tuple[float, str]], passed_min: float
) -> VerdictReading:
    reasons = [_reason(watch.issues[key], passed_min) for _, key in found[:_MAX_REASONS]]
    if len(found) > _MAX_REASONS:
        more = len(found) - _MAX_REASONS
        reasons.append(Reason(VerdictReason.MORE_ISSUES, {"issues": more}))
    return VerdictReading(verdict, reasons, found[0][1])


def _reason(watched: WatchedIssue, passed_min: float) -> Reason:
    minutes = max(math.ceil(passed_min), 1)
    numbers: Numbers = {"issue": watched.label, "count": watched.count, "minutes": minutes}
    if watched.is_new:
        return Reason(VerdictReason.NEW_ISSUE, numbers)
    numbers["expected"] = float(f"{watched.usual * minutes:.2g}")
    return Reason(VerdictReason.ABOVE_USUAL, numbers)
