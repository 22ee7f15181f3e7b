"""Count the events of an open incident: how long to hold it, and when it is much worse."""

from engine.memory.records import Issue, OpenIncident
from engine.memory.state import State
from engine.statistics.baseline import quiet_at
from engine.statistics.spike import Alarm

HOLD_S = 1_800.0
"""An incident is held this long after its last event (or until its rates have been usual)."""

TELL_FIRST_S = 1.0
TELL_EVERY_S = 60.0
"""Changes of counts are told after a second, and then ever less often. In the first minutes, when
people look, it is after half of the incident's age; later after a minute, or a tenth of its age."""

MANY_ISSUES = 100
"""Up to so many issues, people are told of each that joins an incident when it does."""

STRETCH_S = 300.0
WORSE_BY = 10
LEAST_WORSE = 100
"""People are told again at ten times the events of the worst five minutes that they know of."""

WORSE_EVERY_S = 1_800.0
"""Bursts of members are told at most this often: the many issues of one outage burst one by one."""


def count_event(
    state: State,
    incident: OpenIncident,
    key: str,
    issue: Issue,
    at: float,
    *,
    new_minute: bool,
    alarm: Alarm | None = None,
    late: bool = False,
) -> bool:
    """Count one more event of a member; return whether the incident is much worse than was told."""
    now = state.clock.now
    incident.event_count += 1
    symptom = incident.symptoms.get(key)
    if symptom is not None:
        symptom.count += 1
        if alarm is not None:
            symptom.factor = max(symptom.factor, alarm.factor)
    if not incident.tell_due:
        incident.tell_due = max(now, incident.told + _pause_s(incident, now - incident.opened))
        state.wake(incident.tell_due, "tell", incident.incident_id)
    state.changed.incident(incident.incident_id)
    if late:
        return False
    incident.last_seen = max(incident.last_seen, at)
    _count_minute(incident, int(at // 60.0))
    if not issue.by_rate:
        _hold(incident, now + incident.hold_s)
    elif new_minute:
        _hold(incident, now + quiet_at(issue.baseline) - at + incident.hold_s - HOLD_S)
    much_worse = _is_much_worse(incident, int(at // STRETCH_S))
    if alarm is None or alarm.kind == "as_usual" or now - incident.worsened < WORSE_EVERY_S:
        return much_worse
    return much_worse or alarm.kind == "escalated" or not issue.by_rate


def _pause_s(incident: OpenIncident, lasts_s: float) -> float:
    if incident.issue_count > MANY_ISSUES:
        # What has joined is told to people with it.
        return max(TELL_EVERY_S, lasts_s / 10.0)
    return max(TELL_FIRST_S, min(TELL_EVERY_S, lasts_s / 2.0), lasts_s / 10.0)


def may_be_much_worse(incident: OpenIncident, at: float) -> bool:
    """Return whether one more event at `at` is one at which `count_event` says so."""
    in_stretch = at < (incident.stretch + 1) * STRETCH_S
    return in_stretch and _is_worst(incident, incident.stretch_count + 1)


def _count_minute(incident: OpenIncident, minute: int) -> None:
    if minute > incident.minute:
        incident.minute, incident.minute_count = minute, 0
    incident.minute_count += 1
    if incident.minute_count > incident.peak_count:
        incident.peak_count = incident.minute_count
        incident.peak = max(incident.minute * 60.0, incident.start)


def _hold(incident: OpenIncident, due: float) -> None:
    if due > incident.due:
        incident.due = min(due, incident.latest_due)


def _is_much_worse(incident: OpenIncident, stretch: int) -> bool:
    if stretch > incident.stretch:
        if incident.stretch == incident.start // STRETCH_S:
            incident.stretch_told = incident.stretch_count
        incident.stretch, incident.stretch_count = stretch, 0
    incident.stretch_count += 1
    if not _is_worst(incident, incident.stretch_count):
        return False
    incident.stretch_told = incident.stretch_count
    return True


def _is_worst(incident: OpenIncident, count: int) -> bool:
    """Return whether so many events are ten times those of the worst stretch that people know of.

    The first stretch is how people learn of the incident; it is never worse than itself.
    """
    return (
        count >= LEAST_WORSE
        and count >= WORSE_BY * incident.stretch_told
        and incident.stretch > incident.start // STRETCH_S
    )
