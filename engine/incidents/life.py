"""The life of an open incident: it opens, issues join, it gets worse, it is told, it ends.

Every time here is by the engine's clock; nothing depends on when a line was read. The incident
itself holds what is due later (`due`, `tell_due`), so that a restored one goes on unchanged.
"""

from hashlib import blake2b

from engine.incidents.counting import HOLD_S, MANY_ISSUES, STRETCH_S, count_event
from engine.incidents.summary import rank_of, summary, symptom_of
from engine.incidents.suspects import suspects_of
from engine.incidents.triggers import Fired, is_more_severe
from engine.memory.moments import moment
from engine.memory.occurrence import Occurrence
from engine.memory.records import (
    MAX_MEMBERS,
    MAX_OPEN_INCIDENTS,
    MAX_SYMPTOMS,
    OpenIncident,
    Scope,
    SymptomState,
)
from engine.memory.state import State
from shared.event import NOTHING, Event
from shared.incident import Change, Reason, SuspectCommit
from shared.pipe import EventEntry, IncidentEnded, Outbound
from shared.reasons import End
from shared.structs import made_of

MAX_HOLD_S = 4 * 3_600.0
FLAP_S = 6 * 3_600.0
"""An issue whose incidents follow each other within this time is held twice as long each time."""

LONGEST_S = 86_400.0
"""An incident that lasts longer without getting worse is the usual state, and ends."""

MAX_JOINED_NAMED = 1_000
"""Of issues that joined since the server was told, so many are named."""

_MAX_SYMPTOM_MESSAGE = 300


def open_incident(
    state: State, seen: Occurrence, fired: Fired, suspects: list[SuspectCommit]
) -> OpenIncident:
    """Return a new incident of this issue; an issue that had one recently is held longer."""
    issue = seen.issue
    flapping = issue.ended > 0.0 and state.now - issue.ended < FLAP_S
    issue.flaps = issue.flaps + 1 if flapping else 0
    hold_s = min(HOLD_S * 2.0 ** min(issue.flaps, 8), MAX_HOLD_S)
    incident = begin(
        state, seen.scope, seen.key, seen.event, at=seen.at, fired=fired, hold_s=hold_s
    )
    incident.suspects = suspects
    incident.alone = seen.event.unique
    take_in(state, incident, seen, fired)
    return incident


def begin(
    state: State,
    scope: Scope,
    key: str,
    event: EventEntry,
    *,
    at: float,
    fired: Fired,
    hold_s: float = HOLD_S,
) -> OpenIncident:
    """Return an incident without members, opened by `event` about `key`."""
    seq = event.seq or state.clock.seq
    digest = blake2b(f"{key}:{seq}".encode(), digest_size=8).hexdigest()
    incident = OpenIncident(
        incident_id=f"inc-{digest}",
        seq=seq,
        trigger=fired.trigger,
        numbers=fired.numbers,
        severity=event.severity,
        lead=_evidence(event),
        service=scope[0],
        environment=scope[1],
        start=at,
        last_seen=at,
        opened=state.now,
        fired=state.now,
        due=state.now + hold_s,
        latest_due=state.now + LONGEST_S,
        worsened=state.now,
        told=state.now,
        hold_s=hold_s,
        members=[],
        symptoms={},
        peak=at,
        stretch=int(at // STRETCH_S),
    )
    state.incidents[incident.incident_id] = incident
    state.incidents_of.setdefault(scope, []).append(incident.incident_id)
    state.wake(incident.due, "incident", incident.incident_id)
    state.changed.incident(incident.incident_id)
    return incident


def _evidence(event: EventEntry) -> Event:
    """Return the event as it is kept and shown, without its change window (remembered apart)."""
    return made_of(event, Event, change_window=None, context=NOTHING)


def take_in(state: State, incident: OpenIncident, seen: Occurrence, fired: Fired) -> None:
    """Make the issue a member, with its symptom and this event."""
    seen.issue.incident = incident.incident_id
    seen.issue.by_rate = fired.by_rate
    incident.fired = state.now
    is_member = seen.standing != "new" and seen.key in incident.members
    factor = fired.numbers.get("factor", 1.0)
    symptom = SymptomState(
        exception_type=seen.event.exception_type,
        message=seen.event.message[:_MAX_SYMPTOM_MESSAGE],
        severity=seen.event.severity,
        count=known.count if (known := incident.symptoms.get(seen.key)) is not None else 0,
        factor=factor if isinstance(factor, float) else 1.0,
    )
    incident.symptoms[seen.key] = symptom
    if not is_member:
        incident.issue_count += 1
        if len(incident.members) < MAX_MEMBERS:
            incident.members.append(seen.key)
        incident.joined = [*incident.joined, symptom_of(seen.key, symptom)][-MAX_JOINED_NAMED:]
    if len(incident.symptoms) > MAX_SYMPTOMS:
        _drop_mildest(incident)
    count_seen(state, incident, seen)


def _drop_mildest(incident: OpenIncident) -> None:
    """Drop some symptoms at once, since finding the mildest costs as much as all of them are."""
    ranked = sorted(incident.symptoms.items(), key=lambda item: (rank_of(item[1]), item[0]))
    for key, _ in ranked[: MAX_SYMPTOMS // 5]:
        del incident.symptoms[key]


def count_seen(state: State, incident: OpenIncident, seen: Occurrence) -> bool:
    """Count one more event of a member; return whether the incident is much worse than was told."""
    return count_event(
        state,
        incident,
        seen.key,
        seen.issue,
        seen.at,
        new_minute=seen.new_minute,
        alarm=seen.alarm,
        late=seen.late,
    )


def lead_by(state: State, incident: OpenIncident, seen: Occurrence) -> None:
    """Show this event, the worst so far, and rank by it."""
    incident.severity = seen.event.severity
    incident.lead = _evidence(seen.event)
    incident.suspects = suspects_of(state, seen.scope, seen.event, seen.at)


def is_worse(incident: OpenIncident, seen: Occurrence) -> bool:
    """Return whether the event is more severe than all before it."""
    return is_more_severe(seen.event.severity, incident.severity)


def prolong(state: State, incident: OpenIncident) -> None:
    """Let the incident last longer, because it got worse."""
    incident.worsened = state.now
    incident.latest_due = state.now + LONGEST_S


def rank_again(state: State, scope: Scope) -> list[Outbound]:
    """Rank open incidents again after a deploy became known; tell those with changed suspects."""
    told: list[Outbound] = []
    for incident_id in state.incidents_of.get(scope, ()):
        incident = state.incidents[incident_id]
        if incident.trigger == "deploy":
            continue
        suspects = suspects_of(state, scope, incident.lead, incident.start)
        if suspects != incident.suspects:
            incident.suspects = suspects
            told.append(tell(state, incident, "updated", state.now))
    return told


def find_place(state: State, incident: OpenIncident) -> list[Outbound]:
    """Move the incident to the environment of its issues, once that is known of all of them."""
    places = {state.issues[key].environment for key in incident.members if key in state.issues}
    if len(places) != 1 or places == {incident.environment}:
        return []
    before = state.incidents_of[incident.service, incident.environment]
    before.remove(incident.incident_id)
    if not before:
        del state.incidents_of[incident.service, incident.environment]
    (incident.environment,) = places
    scope = incident.service, incident.environment
    there = state.incidents_of.setdefault(scope, [])
    there.append(incident.incident_id)
    there.sort(key=lambda incident_id: (state.incidents[incident_id].seq, incident_id))
    incident.suspects = suspects_of(state, scope, incident.lead, incident.start)
    return [tell(state, incident, "updated", state.now)]


def tell_joined(state: State, incident: OpenIncident) -> list[Outbound]:
    """Tell that an issue joined; of very many, tell with the next change of counts."""
    if incident.issue_count > MANY_ISSUES:
        return []
    return [tell(state, incident, "joined", state.now)]


def tell(state: State, incident: OpenIncident, change: Change, at: float) -> Outbound:
    """Return the summary as it stands at `at`; the server then knows all of it."""
    told = summary(state, incident, change)
    incident.told = at
    incident.tell_due = 0.0
    incident.issues_told = incident.issue_count
    incident.joined = []
    state.changed.incident(incident.incident_id)
    return told


def make_room(state: State) -> list[Outbound]:
    """End the oldest open incidents beyond the limit."""
    told: list[Outbound] = []
    while len(state.incidents) > MAX_OPEN_INCIDENTS:
        oldest = state.incidents[next(iter(state.incidents))]
        told += end(state, oldest, state.now, Reason(End.TOO_MANY_OPEN))
    return told


def tell_if_due(state: State, incident_id: str, at: float) -> list[Outbound]:
    """Tell what has changed, or nothing if that was told in the meantime."""
    incident = state.incidents.get(incident_id)
    if incident is None or not 0.0 < incident.tell_due <= at:
        return []
    change: Change = "updated" if incident.issue_count == incident.issues_told else "joined"
    return [tell(state, incident, change, at)]


def end_if_due(state: State, incident_id: str, at: float) -> list[Outbound]:
    """End the incident, unless its end was moved to later in the meantime."""
    incident = state.incidents.get(incident_id)
    if incident is None:
        return []
    if incident.due > at:
        state.wake(incident.due, "incident", incident_id)
        return []
    if incident.due >= incident.latest_due:
        reason = End.USUAL_NOW
    elif incident.trigger == "spike":
        reason = End.RATES_BACK
    else:
        reason = End.QUIET
    return end(state, incident, at, Reason(reason))


def end(state: State, incident: OpenIncident, at: float, reason: Reason) -> list[Outbound]:
    """End the incident at `at`; first tell what was not told yet."""
    told: list[Outbound] = []
    if incident.tell_due:
        told.append(tell(state, incident, "updated", at))
    del state.incidents[incident.incident_id]
    scope = incident.service, incident.environment
    of_service = state.incidents_of[scope]
    of_service.remove(incident.incident_id)
    if not of_service:
        del state.incidents_of[scope]
    for key in incident.members:
        issue = state.issues.get(key)
        if issue is not None and issue.incident == incident.incident_id:
            issue.ended = at
            state.changed.issue(key)
    state.changed.incident(incident.incident_id)
    told.append(IncidentEnded(incident.incident_id, reason, moment(at)))
    return told
