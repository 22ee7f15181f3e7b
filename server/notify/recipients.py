"""Who hears of what: pure, so that each rule can be read and tested by itself."""

from collections.abc import Iterable, Sequence

from server.settings import MinSeverity
from server.storage.people import Person
from shared.incident import IncidentSummary

_RANK = {"all": 0, "warning": 0, "error": 1, "critical": 2}


def recipients(
    people: Iterable[Person], incident: IncidentSummary, floor: MinSeverity
) -> Sequence[Person]:
    """Those who want to hear of this incident, where the installation's floor lets it through."""
    if not passes(incident, floor):
        return ()
    return [person for person in people if _wants(person, incident)]


def passes(incident: IncidentSummary, floor: MinSeverity) -> bool:
    """Whether the incident is severe enough for this floor."""
    return _RANK[incident.severity] >= _RANK[floor]


def _wants(person: Person, incident: IncidentSummary) -> bool:
    return (
        passes(incident, person.min_severity)
        and (person.services is None or incident.service in person.services)
        and (person.environments is None or incident.environment in person.environments)
    )
