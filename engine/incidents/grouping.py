"""Decide which triggers are one incident, and what to say when one opens, grows or gets worse."""

from engine.incidents import life
from engine.incidents.counting import WORSE_EVERY_S
from engine.incidents.suspects import share_a_suspect, suspects_of
from engine.incidents.triggers import Fired
from engine.memory.occurrence import Occurrence
from engine.memory.records import OpenIncident
from engine.memory.state import State
from shared.decisions import Code
from shared.incident import Numbers, SuspectCommit
from shared.pipe import Decision, Outbound

TOGETHER_S = 600.0
"""Issues that fire within this time of the one before are one incident,"""

CHAIN_S = 3_600.0
"""but no longer than this after it opened: new errors do not stay news."""


def fire(state: State, seen: Occurrence, fired: Fired) -> tuple[OpenIncident, list[Outbound]]:
    """Open an incident for what has fired, or join an open one. Return it and the lines."""
    incident, suspects = _find(state, seen)
    if incident is None:
        incident = life.open_incident(state, seen, fired, suspects)
        told = [life.tell(state, incident, "opened", state.now), *life.make_room(state)]
        code = Code.OPENED
    else:
        life.take_in(state, incident, seen, fired)
        told = life.tell_joined(state, incident)
        if life.is_worse(incident, seen):
            told.append(_escalate(state, incident, seen))
        code = Code.JOINED
    numbers = {"trigger": fired.trigger} | fired.numbers
    decision = Decision(state.clock.seq, code, incident.incident_id, numbers, seen.key)
    return incident, [*told, decision]


def absorb(state: State, incident: OpenIncident, seen: Occurrence) -> list[Outbound]:
    """Count one more event of an issue whose incident is open; say so if the incident is worse."""
    worse = seen.counted and life.count_seen(state, incident, seen)
    if seen.event.source_state == "escalating":
        worse = worse or state.now - incident.worsened >= WORSE_EVERY_S
    if not (worse or life.is_worse(incident, seen)):
        return [Decision(state.clock.seq, Code.IN_INCIDENT, incident.incident_id, issue=seen.key)]
    told = _escalate(state, incident, seen)
    numbers: Numbers = {"severity": seen.event.severity, "events": incident.event_count}
    decision = Decision(state.clock.seq, Code.ESCALATED, incident.incident_id, numbers, seen.key)
    return [told, decision]


def _find(state: State, seen: Occurrence) -> tuple[OpenIncident | None, list[SuspectCommit]]:
    """Return the incident to join, or the suspects of the one to open."""
    of_service = () if seen.event.unique else state.incidents_of.get(seen.scope, ())
    candidates = [
        incident
        for incident_id in reversed(of_service)
        if not (incident := state.incidents[incident_id]).alone
    ]
    for incident in candidates:
        if state.now - incident.fired <= TOGETHER_S and state.now - incident.opened <= CHAIN_S:
            return incident, []
    suspects = suspects_of(state, seen.scope, seen.event, seen.at)
    for incident in candidates:
        if share_a_suspect(incident.suspects, suspects):
            return incident, []
    return None, suspects


def _escalate(state: State, incident: OpenIncident, seen: Occurrence) -> Outbound:
    if life.is_worse(incident, seen):
        life.lead_by(state, incident, seen)
    life.prolong(state, incident)
    return life.tell(state, incident, "escalated", state.now)
