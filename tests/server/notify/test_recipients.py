"""Who is notified of an incident, and who is not."""

import pytest

from server.notify.recipients import kept_from, kept_from_all, mail_address
from server.storage.main.not_told import NotTold, Reason
from server.storage.main.people import Person
from shared.event import Severity
from tests.server.notify.news import incident

EVERYTHING = Person(1, "Ada", None, True, "all")
ERRORS = Person(2, "Bo", None, True, "error")
WORST = Person(3, "Cy", None, True, "critical")
PEOPLE = (EVERYTHING, ERRORS, WORST)


@pytest.mark.parametrize(
    ("severity", "told"),
    [
        ("warning", [EVERYTHING]),
        ("error", [EVERYTHING, ERRORS]),
        ("critical", [EVERYTHING, ERRORS, WORST]),
    ],
)
def test_a_person_hears_of_what_is_at_least_as_severe_as_they_asked(
    severity: Severity, told: list[Person]
) -> None:
    kept = {person.id: kept_from(person, incident(severity=severity)) for person in PEOPLE}
    assert [person for person in PEOPLE if kept[person.id] is None] == told
    for person in PEOPLE:
        if person not in told:
            assert kept[person.id] == NotTold(
                person_id=person.id,
                way="any",
                reason="below_own_severity",
                detail=person.min_severity,
            )


def test_nobody_hears_of_what_is_below_the_floor_of_the_installation() -> None:
    assert kept_from_all(incident(severity="critical"), "critical") is None
    assert kept_from_all(incident(severity="error"), "critical") == NotTold(
        way="any", reason="below_severity", detail="critical"
    )


@pytest.mark.parametrize(
    ("services", "environments", "reason"),
    [
        (None, None, None),
        (["shop"], None, None),
        (["shop"], ["production", "staging"], None),
        (["web"], None, "service_not_chosen"),
        (["shop"], ["staging"], "environment_not_chosen"),
        ([], None, "service_not_chosen"),
    ],
)
def test_a_person_hears_of_the_services_and_environments_they_asked_for(
    services: list[str] | None, environments: list[str] | None, reason: Reason | None
) -> None:
    person = Person(1, "Ada", None, True, "all", services, environments)
    kept = None if reason is None else NotTold(person_id=1, way="any", reason=reason)
    assert kept_from(person, incident()) == kept


def test_mail_goes_to_who_wants_it_and_has_an_address() -> None:
    assert mail_address(Person(1, "Ada", "ada@acme.example", True, "all")) == "ada@acme.example"
    assert mail_address(Person(1, "Ada", "ada@acme.example", False, "all")) == NotTold(
        person_id=1, way="email", reason="mail_not_wanted"
    )
    assert mail_address(Person(1, "Ada", None, True, "all")) == NotTold(
        person_id=1, way="email", reason="no_address"
    )
