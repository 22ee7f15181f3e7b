"""Decide who hears about what. Pure, so that each rule can be read and tested by itself."""

from server.settings.settings import MinSeverity
from server.storage.main.not_told import NotTold
from server.storage.main.people import Person
from shared.event import UNKNOWN_ENVIRONMENT, Severity
from shared.incident import IncidentSummary

_RANK = {"all": 0, "warning": 0, "error": 1, "critical": 2}


def kept_from_all(incident: IncidentSummary, floor: MinSeverity) -> NotTold | None:
    """Return why nobody hears about this incident, if the installation's floor is above it."""
    if passes(incident, floor):
        return None
    return NotTold(way="any", reason="below_severity", detail=floor)


def kept_from(person: Person, incident: IncidentSummary) -> NotTold | None:
    """Return why this person does not want to hear about this incident, or None if they do."""
    if not passes(incident, person.min_severity):
        return NotTold(
            person_id=person.id,
            way="any",
            reason="below_own_severity",
            detail=person.min_severity,
        )
    if person.services is not None and incident.service not in person.services:
        return NotTold(person_id=person.id, way="any", reason="service_not_chosen")
    environments = chosen_environments(person)
    if environments is not None and incident.environment not in environments:
        return NotTold(person_id=person.id, way="any", reason="environment_not_chosen")
    return None


def chosen_environments(person: Person) -> list[str] | None:
    """Return the environments that this person wants to hear of; None means all.

    Nobody has chosen against an environment that is not known.
    """
    return None if person.environments is None else [*person.environments, UNKNOWN_ENVIRONMENT]


def mail_address(person: Person) -> str | NotTold:
    """Return where this person gets mail about what they hear of, or why they get none."""
    if not person.email_incidents:
        return NotTold(person_id=person.id, way="email", reason="mail_not_wanted")
    if person.email is None:
        return NotTold(person_id=person.id, way="email", reason="no_address")
    return person.email


_DIRECT = "direct message to "


def direct_message_to(address: str) -> str:
    """Return the receiver in Slack that is the person with this mail address."""
    return f"{_DIRECT}{address}"


def address_of_direct_message(receiver: str) -> str | None:
    """Return the mail address of the person who is this receiver, or None for a channel."""
    return receiver.removeprefix(_DIRECT) if receiver.startswith(_DIRECT) else None


def passes(incident: IncidentSummary, floor: MinSeverity | Severity) -> bool:
    """Return whether the incident is severe enough for this floor."""
    return _RANK[incident.severity] >= _RANK[floor]
