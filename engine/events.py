"""What becomes of one event: counted, judged, and told where people should know."""

from engine import announcements, grouping, issues, watching
from engine.baseline import observe, reading
from engine.decisions import Code, rounded
from engine.fingerprint import fingerprint
from engine.habit import SHORTEST_SILENCE_S, is_unusual_silence, note_gap
from engine.issues import Standing
from engine.moments import event_time
from engine.occurrence import Occurrence
from engine.records import Issue, Scope, Service
from engine.services import note_release, scope_key, service_of
from engine.state import State
from engine.triggers import DAY_S, Fired, judge, note_alert
from shared.event import canonical_environment
from shared.incident import Numbers
from shared.pipe import Decision, EventEntry, Outbound

LATE_S = 3_600.0
"""An event from longer ago is late: it tells of the past, and opens nothing by its rate."""

OUT_OF_ORDER_S = 300.0
"""An event this much older than the newest of its issue is no part of the running rate."""

MINUTE_S = 60.0


def decide(state: State, event: EventEntry, out: list[Outbound]) -> Decision:
    """The decision on an error event; what people are to know of it goes to `out`."""
    at = event_time(event, state.now)
    scope = event.service, canonical_environment(event.environment)
    service = service_of(state, scope, at)
    scope = service.service, service.environment
    if event.change_window is not None:
        announcements.arrive(state, scope, event.change_window, out)
    key = fingerprint(event, *scope, state.clock.seq)
    key, issue, standing = issues.recognise(state, key, scope, event, at)
    seen = _count(
        state,
        service=service,
        scope=scope,
        key=key,
        issue=issue,
        standing=standing,
        event=event,
        at=at,
    )
    if state.watched and seen.counted and not seen.late:
        watching.count(state, seen)
    if (incident := state.incidents.get(issue.incident)) is not None:
        if event.alert_rule is not None:
            note_alert(issue, event.alert_rule, event.severity, state.now)
        return grouping.absorb(state, incident, seen, out)
    verdict = judge(seen)
    if not isinstance(verdict, Fired) and seen.rare and _is_wide(state, seen, verdict):
        verdict = Fired("spike", {"part_of": "service"}, wide=True)
    if isinstance(verdict, Fired):
        return _fire(state, seen, verdict, out)
    if not seen.counted and event.occurrence:
        return Decision(state.clock.seq, Code.COUNTED_ALREADY)
    told = seen.new_minute and verdict is Code.KNOWN
    return Decision(state.clock.seq, verdict, None, _numbers(issue, at) if told else {})


def _count(
    state: State,
    *,
    service: Service,
    scope: Scope,
    key: str,
    issue: Issue,
    standing: Standing,
    event: EventEntry,
    at: float,
) -> Occurrence:
    """Count the event in the statistics of its issue and service, and read them."""
    counted = event.occurrence and _is_first(state, event)
    last_seen = issue.last_seen
    late = at < state.now - LATE_S
    first = issue.count == 0
    new_minute = first or at // MINUTE_S > last_seen // MINUTE_S
    rare = counted and not late and (first or at - last_seen > DAY_S)
    alarm = silence = None
    if counted:
        issue.count += 1
        if at >= last_seen - OUT_OF_ORDER_S:
            alarm = observe(issue.baseline, at)
            if at - last_seen >= SHORTEST_SILENCE_S:
                silence = is_unusual_silence(issue.habit, last_seen, at)
            if new_minute:
                note_gap(issue.habit, at)
        if at > last_seen:
            issue.last_seen = at
        elif at < issue.first_seen:
            issue.first_seen = at
    if event.issue_id is not None:
        issues.name_by_source(state, key, issue, event.issue_id)
    if event.release is not None and event.release != issue.release:
        issue.release = event.release
        note_release(state, scope, event.release)
    issues.touch(state, key, issue)
    wide_alarm = None
    if rare:
        wide_alarm = observe(service.rare, at)
        state.note("service", scope_key(scope))
    return Occurrence(
        event=event,
        scope=scope,
        key=key,
        issue=issue,
        service=service,
        standing=standing,
        at=at,
        now=state.now,
        late=late,
        counted=counted,
        rare=rare,
        new_minute=new_minute,
        in_production=scope[1] in state.settings.production_environments,
        alarm=None if late else alarm,
        wide_alarm=wide_alarm,
        silence=None if late else silence,
    )


def _is_first(state: State, event: EventEntry) -> bool:
    """Does this event come for the first time, and not by a second rule or resource?"""
    if event.event_id is None or event.unique:
        return True
    is_new = state.seen.is_new(event.source, event.service, event.event_id)
    if is_new:
        state.note("seen", state.seen.slot)
    return is_new


def _is_wide(state: State, seen: Occurrence, code: Code) -> bool:
    """Is it part of what is wrong with the whole service at the moment?"""
    return code in (Code.KNOWN, Code.NOT_PRODUCTION) and seen.service.wide in state.incidents


def _fire(state: State, seen: Occurrence, fired: Fired, out: list[Outbound]) -> Decision:
    issue, event = seen.issue, seen.event
    if issue.silenced_until:
        if event.source_state is not None and issue.silenced_by_source:
            issue.silenced_until, issue.silenced_by_source = 0.0, False
        elif issue.silenced_until < 0.0 or issue.silenced_until > state.now:
            return Decision(state.clock.seq, Code.SILENCED, None, {"trigger": fired.trigger})
        else:
            issue.silenced_until = 0.0
    if fired.trigger != "alert":
        issue.resolved, issue.resolved_release = 0.0, None
    if event.alert_rule is not None:
        note_alert(issue, event.alert_rule, event.severity, state.now)
    decision = grouping.fire(state, seen, fired, out)
    if fired.wide and decision.incident_id is not None:
        seen.service.wide = decision.incident_id
        state.note("service", scope_key(seen.scope))
    return decision


def _numbers(issue: Issue, at: float) -> Numbers:
    return {name: rounded(value) for name, value in reading(issue.baseline, at).items()}
