"""The short way of an event that repeats a known issue and says nothing else: it is only counted.

Most events are such. Whatever is not certain to be one is left to `event.decide`, which says the
same of all the others (tests compare the two ways).
"""

import msgspec

from engine.entries.event import LATE_S, OUT_OF_ORDER_S, decide_known
from engine.incidents import counting
from engine.incidents.triggers import DAY_S, is_more_severe
from engine.memory import issues
from engine.memory.alive import alarm_nats, note_alive
from engine.memory.moments import FUTURE_S
from engine.memory.recent import count_recent
from engine.memory.records import Issue, OpenIncident
from engine.memory.retries import hear
from engine.memory.state import State
from engine.memory.traces import Glance
from engine.statistics.baseline import MINUTE_S, add_quietly, is_quiet
from engine.statistics.silence import SHORTEST_SILENCE_S, add_gap, is_unusual_silence
from engine.statistics.spike import look
from shared.decisions import Code
from shared.issue import add_newest
from shared.pipe import Decision


def decide(state: State, event: Glance, seq: int, at: float) -> Decision | None:
    """Decide on a repetition; return None, with nothing changed, if it may be more than that.

    `seq` is that of its entry, and `at` when it happened, in seconds of the epoch.
    """
    known = state.traces.find(event)
    issue = None if known is None else state.issues.get(known.key)
    if known is None or issue is None or _says_more(event, issue):
        return None
    now, last_seen = state.clock.now, issue.last_seen
    service = state.services.get(known.scope)
    if (
        not now - LATE_S <= at <= now + FUTURE_S
        or not -OUT_OF_ORDER_S <= at - last_seen <= DAY_S
        or at < issue.first_seen
        or service is None
        or known.scope_key in state.watched
        or event.issue_id in state.awaited
    ):
        return None
    if (
        at - last_seen >= SHORTEST_SILENCE_S
        and is_unusual_silence(issue.habit, last_seen, at).unusual
    ):
        return None
    release = event.release
    if release is not None and release != issue.release:
        if release not in service.releases:
            return None
        release = service.releases[service.releases.index(release)]
    incident = state.incidents.get(issue.incident)
    if incident is not None and _changes(incident, issue, event, at):
        return None
    retried, heard = hear(issue.heard, event, at)
    baseline = issue.baseline
    looks = not (retried or is_quiet(baseline, at))
    if looks:
        baseline = msgspec.structs.replace(baseline)
        if look(baseline, at, 1, alarm_nats(state)) is not None:
            return None
    name = event.event_id
    if name is not None and not state.seen.is_new(event.source, event.service, name):
        return None
    # From here on, it is a repetition.
    issue.count += 1
    issue.heard = heard
    if retried:
        issue.retries += 1
    elif looks:
        issue.baseline = baseline
    else:
        add_quietly(baseline, at)
    new_minute = at // MINUTE_S > last_seen // MINUTE_S
    if new_minute:
        add_gap(issue.habit, at)
        note_alive(state, last_seen, at)
    if at > last_seen:
        issue.last_seen = at
    count_recent(state, known.scope_key, at)
    if release is not None:
        issue.release = release
    issue.newest = add_newest(issue.newest, seq)
    issues.touch(state, known.key, issue, seq)
    if incident is None:
        return decide_known(seq, known.key, issue, new_minute=new_minute)
    counting.count_event(state, incident, known.key, issue, at, new_minute=new_minute)
    return Decision(seq, Code.IN_INCIDENT, incident.incident_id, issue=known.key)


def _says_more(event: Glance, issue: Issue) -> bool:
    """Return whether it may be more than one more occurrence of its issue, or change a name."""
    return (
        not event.occurrence
        or event.kind != "error"
        or event.alert_rule is not None
        or event.source_state is not None
        or event.change_window is not None
        or event.unique
        or issue.resolved > 0.0
        or issue.count == 0
        or (event.issue_id is not None and event.issue_id != issue.issue_id)
    )


def _changes(incident: OpenIncident, issue: Issue, event: Glance, at: float) -> bool:
    """Return whether an incident may get worse by the event, or move to another place."""
    return (
        incident.environment != issue.environment
        or is_more_severe(event.severity, incident.severity)
        or counting.may_be_much_worse(incident, at)
    )
