"""Handle one event: count it, judge it, and tell people if they should know."""

from engine.entries import deploy
from engine.fingerprint import fingerprint
from engine.incidents import deploy_watch, grouping, life
from engine.incidents.triggers import DAY_S, Fired, judge, remember_alert
from engine.memory import awaited, awaited_fixes, issues
from engine.memory.alive import alarm_nats, note_alive
from engine.memory.moments import event_time
from engine.memory.occurrence import Occurrence
from engine.memory.recent import count_recent, sends_events
from engine.memory.records import Issue, Scope, scope_key
from engine.memory.retries import hear
from engine.memory.services import remember_release, service_of
from engine.memory.state import State
from engine.numbers import rounded
from engine.statistics.baseline import Baseline, add_quietly, is_quiet, rate_per_min
from engine.statistics.silence import (
    SHORTEST_SILENCE_S,
    SilenceReading,
    add_gap,
    is_unusual_silence,
)
from engine.statistics.spike import Alarm, look
from shared.decisions import Code
from shared.event import UNKNOWN_ENVIRONMENT, canonical_environment
from shared.incident import Numbers
from shared.issue import add_newest
from shared.pipe import Decision, EventEntry, Outbound

LATE_S = 3_600.0
"""An event older than this is late: it describes the past, so its rate opens no incident."""

OUT_OF_ORDER_S = 300.0
"""An event this much older than the newest of its issue does not count in the running rate."""

MINUTE_S = 60.0


def decide(state: State, event: EventEntry) -> list[Outbound]:
    """Decide on an error event. Return what people should know about it, and the decision.

    News of an issue as a whole may not say where. It takes the environment of the issue. If the
    issue is not known, or known in several, the news waits for an event that tells.
    """
    scope = event.service, canonical_environment(event.environment)
    if event.occurrence:
        waiting = awaited.take(state, event.issue_id) if state.awaited else None
        if waiting is None or issues.scope_by_source(state, waiting.event) is None:
            # The event of an issue that was not known is news by itself.
            return _decide_in(state, event, scope)
        return _decide_in(state, event, scope) + _tell(state, waiting.event, scope)
    if scope[1] == UNKNOWN_ENVIRONMENT and event.issue_id is not None:
        known = issues.scope_by_source(state, event)
        wait_s = _wait_s(state, event, known)
        if wait_s and awaited.keep(state, event, event.issue_id, wait_s):
            return [Decision(state.clock.seq, Code.AWAITS_ENVIRONMENT)]
        scope = known or scope
    return _decide_in(state, event, scope)


def _wait_s(state: State, event: EventEntry, known: Scope | None) -> float:
    """Return how long news waits for an event, which was known to be about `known`; 0.0: not."""
    if known is None:
        return awaited.WAIT_S if sends_events(state, event.service) else 0.0
    is_news = event.source_state is not None and issues.is_of_several_places(state, event)
    return awaited.WAIT_AMONG_S if is_news else 0.0


def take_news_if_due(state: State, issue_id: str, at: float) -> list[Outbound]:
    """Return what people should know of news that has waited in vain; its decision was made."""
    waiting = state.awaited.get(issue_id)
    if waiting is None or waiting.due > at:
        return []
    awaited.take(state, issue_id)
    event = waiting.event
    # As of this moment, whether a tick or a later entry lets it pass.
    now, state.clock.now = state.clock.now, at
    known = issues.scope_by_source(state, event)
    out = _tell(state, event, known or (event.service, UNKNOWN_ENVIRONMENT))
    state.clock.now = now
    return out


def _tell(state: State, news: EventEntry, scope: Scope) -> list[Outbound]:
    """Return what people should know of news that has waited; its decision was made."""
    return [line for line in _decide_in(state, news, scope) if not isinstance(line, Decision)]


def _decide_in(state: State, event: EventEntry, scope: Scope) -> list[Outbound]:
    """Decide on an event of this service and environment."""
    now = state.clock.now
    at = event_time(event, now)
    service = service_of(state, scope, at)
    scope = service.service, service.environment
    told: list[Outbound] = []
    if event.change_window is not None:
        _, told = deploy.arrive(state, scope, event.change_window)
    key = fingerprint(event, *scope, state.clock.seq)
    key, issue, standing = issues.recognise(state, key, scope, event, at)
    last_seen = issue.last_seen
    first = issue.count == 0
    new_minute = first or at // MINUTE_S > last_seen // MINUTE_S
    late = at < now - LATE_S
    counted = event.occurrence and _is_first(state, event)
    rare = counted and not late and (first or at - last_seen > DAY_S)
    alarm = silence = wide_alarm = None
    if counted:
        retried, issue.heard = hear(issue.heard, event, at)
        alarm, silence = _count(state, issue, at, new_minute=new_minute, retried=retried)
        if new_minute:
            note_alive(state, None if first else last_seen, at)
        if not late:
            count_recent(state, scope_key(scope), at)
        if rare:
            wide_alarm = _observe(state, service.rare, at)
            state.changed.service(scope_key(scope))
    _note_names(state, scope, key, issue, event)
    issue.newest = add_newest(issue.newest, event.seq or state.clock.seq)
    issues.touch(state, key, issue, state.clock.seq)
    incident = state.incidents.get(issue.incident)
    if incident is not None and incident.environment != issue.environment:
        told += life.find_place(state, incident)
    seen = Occurrence(
        event=event,
        scope=scope,
        key=key,
        issue=issue,
        service=service,
        standing=standing,
        at=at,
        now=now,
        late=late,
        counted=counted,
        rare=rare,
        new_minute=new_minute,
        in_production=state.settings.is_production(scope[1]),
        alarm=None if late else alarm,
        wide_alarm=wide_alarm,
        silence=None if late else silence,
    )
    if state.watched and counted and not late:
        deploy_watch.count(state, seen)
    if incident is not None:
        if event.alert_rule is not None:
            remember_alert(issue, event.alert_rule, event.severity, now)
        return told + grouping.absorb(state, incident, seen)
    return told + _judged(state, seen)


def _count(
    state: State, issue: Issue, at: float, *, new_minute: bool, retried: bool
) -> tuple[Alarm | None, SilenceReading | None]:
    """Count an event in the statistics of its issue; return what is unusual about it."""
    last_seen = issue.last_seen
    alarm = silence = None
    issue.count += 1
    if at >= last_seen - OUT_OF_ORDER_S:
        if retried:
            issue.retries += 1
        else:
            alarm = _observe(state, issue.baseline, at)
            if alarm is not None:
                issue.usual_bursts = alarm.like + 1 if alarm.kind == "as_usual" else 0
        if new_minute:
            if at - last_seen >= SHORTEST_SILENCE_S:
                silence = is_unusual_silence(issue.habit, last_seen, at)
            add_gap(issue.habit, at)
    if at > last_seen:
        issue.last_seen = at
    elif at < issue.first_seen:
        issue.first_seen = at
    return alarm, silence


def _observe(state: State, baseline: Baseline, at: float) -> Alarm | None:
    if is_quiet(baseline, at):
        add_quietly(baseline, at)
        return None
    return look(baseline, at, 1, alarm_nats(state))


def _note_names(state: State, scope: Scope, key: str, issue: Issue, event: EventEntry) -> None:
    """Record the source's name for the issue, and the release in which it was seen."""
    if event.issue_id is not None:
        issues.name_by_source(state, key, issue, event.issue_id)
    if event.release is not None and event.release != issue.release:
        issue.release = remember_release(state, scope, event.release)


def _is_first(state: State, event: EventEntry) -> bool:
    """Return whether the event is new, and not sent again by a second rule or resource."""
    if event.event_id is None or event.unique:
        return True
    return state.seen.is_new(event.source, event.service, event.event_id)


def _judged(state: State, seen: Occurrence) -> list[Outbound]:
    verdict = judge(seen)
    if not isinstance(verdict, Fired) and seen.rare and _is_wide(state, seen, verdict):
        verdict = Fired("spike", {"part_of": "service"}, wide=True)
    if isinstance(verdict, Fired):
        return _fire(state, seen, verdict)
    if not seen.counted and seen.event.occurrence:
        return [Decision(state.clock.seq, Code.COUNTED_ALREADY, issue=seen.key)]
    if verdict is Code.KNOWN:
        return [decide_known(state.clock.seq, seen.key, seen.issue, new_minute=seen.new_minute)]
    return [Decision(state.clock.seq, verdict, issue=seen.key)]


def _is_wide(state: State, seen: Occurrence, code: Code) -> bool:
    """Return whether the event belongs to a problem that the whole service has at the moment."""
    return code in (Code.KNOWN, Code.NOT_PRODUCTION) and seen.service.wide in state.incidents


def _fire(state: State, seen: Occurrence, fired: Fired) -> list[Outbound]:
    issue, event = seen.issue, seen.event
    if issues.is_silenced(issue, state.now):
        if event.source_state is None or not issue.silenced_by_source:
            was_in, numbers = issue.incident or None, Numbers(trigger=fired.trigger)
            return [Decision(state.clock.seq, Code.SILENCED, was_in, numbers, seen.key)]
        issue.silenced_until, issue.silenced_by_source = 0.0, False
    if fired.trigger != "alert":
        issues.unresolve(issue)
        awaited_fixes.drop(state, seen.key)
    if event.alert_rule is not None:
        remember_alert(issue, event.alert_rule, event.severity, state.now)
    incident, told = grouping.fire(state, seen, fired)
    if fired.wide:
        seen.service.wide = incident.incident_id
        state.changed.service(scope_key(seen.scope))
    return told


def decide_known(seq: int, key: str, issue: Issue, *, new_minute: bool) -> Decision:
    """Decide that nobody need hear of the event.

    Say how usual it is once a minute, because little changes within one.
    """
    if not new_minute:
        return Decision(seq, Code.KNOWN, issue=key)
    rate = rounded(rate_per_min(issue.baseline))
    numbers: Numbers = {"rate_per_min": rate}
    if issue.baseline.usual_per_min:
        usual = issue.usual_per_min = issue.baseline.usual_per_min
        numbers["usual_per_min"] = usual
        numbers["threshold"] = issue.baseline.threshold
        numbers["factor"] = rounded(rate / usual)
    if not issue.baseline.bursts:
        return Decision(seq, Code.KNOWN, None, numbers, key)
    numbers["bursts"] = issue.baseline.bursts
    return Decision(seq, Code.USUAL_BURST, None, numbers, key)
