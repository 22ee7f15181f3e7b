"""Triggers: what makes an event more than one more occurrence, each with its numbers."""

import msgspec

from engine.memory.occurrence import Occurrence
from engine.memory.records import MAX_RULES, Issue
from engine.memory.services import lacks_fix
from engine.numbers import rounded
from engine.statistics.silence import SilenceReading
from engine.statistics.spike import Alarm
from shared.decisions import Code
from shared.event import Severity
from shared.incident import Numbers, Trigger

DAY_S = 86_400.0

ALERT_EVERY_S = DAY_S
"""An alert rule of the source may open an incident for one issue this often."""

SEVERITIES: tuple[Severity, ...] = ("warning", "error", "critical")


def is_more_severe(severity: Severity, other: Severity) -> bool:
    """Return whether the first is worse than the other."""
    return severity != other and SEVERITIES.index(severity) > SEVERITIES.index(other)


class Fired(msgspec.Struct, frozen=True):
    """A trigger that holds. With `by_rate`, it ends when the rate is back, not when it is quiet."""

    trigger: Trigger
    numbers: Numbers
    by_rate: bool = False
    wide: bool = False


def judge(seen: Occurrence) -> Fired | Code:
    """Return the first trigger that holds, in order of certainty; else why there is none."""
    event, issue = seen.event, seen.issue
    if event.source_state == "regressed":
        return Fired("regression", {"said_by_source": event.source})
    if seen.standing == "new" and _is_news(seen):
        return Fired("new_issue", {"environment": seen.scope[1]})
    if event.source_state == "escalating":
        return Fired("spike", {"said_by_source": event.source})
    if issue.resolved:
        answer = _back_after_resolve(seen)
        if isinstance(answer, Fired):
            return answer
        if answer is not Code.LATE:
            return answer
    elif not seen.late:
        found = _unusual(seen)
        if found is not None:
            return found
    if event.alert_rule is not None:
        return _alert(seen, event.alert_rule)
    if seen.late:
        return Code.LATE
    return Code.NOT_PRODUCTION if seen.standing == "new" else Code.KNOWN


def _is_news(seen: Occurrence) -> bool:
    """Return whether a person would call it new. An alert about no error (a metric) is an alert."""
    event = seen.event
    is_error = event.occurrence or event.alert_rule is None
    return event.unique or (seen.in_production and is_error)


def remember_alert(issue: Issue, rule: str, severity: Severity, now: float) -> None:
    """Note that people know of a rule of the source that fired for this issue."""
    alerts = dict(issue.alerts or {})
    alerts.pop(rule, None)
    alerts[rule] = (now, SEVERITIES.index(severity))
    while len(alerts) > MAX_RULES:
        del alerts[next(iter(alerts))]
    issue.alerts = alerts


def _back_after_resolve(seen: Occurrence) -> Fired | Code:
    """Return the trigger if the event is after the resolving moment, in no release without the fix.

    The moment is compared in event time.
    """
    issue = seen.issue
    if seen.at <= issue.resolved:
        return Code.BEFORE_RESOLVE
    release, fixed_in = seen.event.release, issue.resolved_release
    if (
        release is not None
        and fixed_in is not None
        and lacks_fix(seen.service, release, fixed_in, fixed_later=issue.fixed_later)
    ):
        return Code.OLDER_RELEASE
    if seen.late:
        return Code.LATE
    numbers: Numbers = {"resolved_for_min": rounded((seen.at - issue.resolved) / 60.0)}
    if release is not None:
        numbers["release"] = release
    return Fired("regression", numbers)


def _unusual(seen: Occurrence) -> Fired | None:
    if seen.alarm is not None and seen.alarm.kind == "spike":
        return Fired("spike", alarm_numbers(seen.alarm), by_rate=True)
    if seen.silence is not None and seen.silence.unusual:
        return Fired("regression", _silence_numbers(seen.silence))
    if seen.wide_alarm is not None and seen.wide_alarm.kind == "spike":
        numbers = alarm_numbers(seen.wide_alarm)
        numbers["different_errors"] = seen.wide_alarm.count
        return Fired("spike", numbers, wide=True)
    return None


def _alert(seen: Occurrence, rule: str) -> Fired | Code:
    if not seen.in_production:
        return Code.NOT_PRODUCTION
    told, severity = (seen.issue.alerts or {}).get(rule, (0.0, 0))
    worse = SEVERITIES.index(seen.event.severity) > severity
    if told and seen.now - told < ALERT_EVERY_S and not worse:
        return Code.ALERTED_ALREADY
    return Fired("alert", {"alert_rule": rule})


def alarm_numbers(alarm: Alarm) -> Numbers:
    """Return the numbers of a spike, for people to check it."""
    return {
        "rate_per_min": rounded(alarm.rate),
        "usual_per_min": rounded(alarm.usual),
        "count": alarm.count,
        "window_min": alarm.window_s // 60,
        "threshold": rounded(alarm.threshold),
        "factor": rounded(alarm.factor),
        "log10_p": rounded(alarm.log10_p),
    }


def _silence_numbers(silence: SilenceReading) -> Numbers:
    return {
        "silent_min": rounded(silence.silence_s / 60.0),
        "longest_gap_min": rounded(silence.longest_s / 60.0),
        "known_gaps": silence.known_gaps,
    }
