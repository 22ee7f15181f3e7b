"""Describe an open incident as it stands now, for people: the message `incident`."""

from engine.incidents.first_actions import first_actions
from engine.incidents.priority import priority
from engine.incidents.triggers import SEVERITIES
from engine.memory.moments import moment
from engine.memory.records import OpenIncident, SymptomState
from engine.memory.state import State
from shared.incident import Change, Symptom
from shared.pipe import Incident

MAX_SYMPTOMS_SHOWN = 10
MAX_TITLE = 160


def summary(state: State, incident: OpenIncident, change: Change) -> Incident:
    """Return all of the incident, told because of the running entry or the one that opened it."""
    lead = incident.lead
    in_production = state.settings.is_production(incident.environment)
    return Incident(
        incident_id=incident.incident_id,
        title=title(incident),
        source=lead.source,
        service=incident.service,
        environment=incident.environment,
        severity=incident.severity,
        priority_score=priority(incident, in_production),
        trigger=incident.trigger,
        trigger_numbers=incident.numbers,
        exception_type=lead.exception_type,
        message=lead.message,
        start_time=moment(incident.start),
        last_seen=moment(incident.last_seen),
        peak_time=moment(incident.peak),
        top_symptoms=_top_symptoms(incident),
        issue_count=incident.issue_count,
        event_count=incident.event_count,
        suspected_causes=incident.suspects,
        recommended_first_actions=first_actions(state, incident),
        stacktrace=lead.stacktrace,
        links=lead.links,
        tags=lead.tags,
        release=lead.release,
        alert_rule=lead.alert_rule,
        api_route=lead.api_route,
        request_url=lead.request_url,
        seq=incident.seq if change == "opened" else state.clock.seq,
        change=change,
        joined=[] if change == "opened" else incident.joined,
    )


def title(incident: OpenIncident) -> str:
    """Return what it is on one line: the error shown to people, and how many come with it."""
    lead = incident.lead
    first_line = next((line for line in lead.message.splitlines() if line.strip()), "").strip()
    if incident.trigger == "deploy" or first_line.startswith(lead.exception_type):
        text = first_line
    else:
        text = f"{lead.exception_type}: {first_line}"
    if len(text) > MAX_TITLE:
        text = text[: MAX_TITLE - 1].rstrip() + "…"
    more = incident.issue_count - 1
    return f"{text} (and {more} more)" if more > 0 else text


def rank_of(symptom: SymptomState) -> tuple[int, float, int]:
    """Rank how bad a symptom is: by severity, then how far above the usual, then how often."""
    return SEVERITIES.index(symptom.severity), symptom.factor, symptom.count


def _top_symptoms(incident: OpenIncident) -> list[Symptom]:
    worst = sorted(
        incident.symptoms.items(), key=lambda item: (rank_of(item[1]), item[0]), reverse=True
    )
    return [symptom_of(key, symptom) for key, symptom in worst[:MAX_SYMPTOMS_SHOWN]]


def symptom_of(key: str, symptom: SymptomState) -> Symptom:
    """Return the symptom of the issue of this key, as it is told."""
    return Symptom(
        fingerprint=key,
        exception_type=symptom.exception_type,
        message=symptom.message,
        count=symptom.count,
        spike_factor=symptom.factor,
    )
