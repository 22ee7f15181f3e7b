"""Who hears of an incident, and who does not."""

import pytest

from server.notify.recipients import recipients
from server.storage.people import Person
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
    assert list(recipients(PEOPLE, incident(severity=severity), "all")) == told


def test_nobody_hears_of_what_is_below_the_floor_of_the_installation() -> None:
    assert list(recipients(PEOPLE, incident(severity="error"), "critical")) == []


@pytest.mark.parametrize(
    ("services", "environments", "is_told"),
    [
        (None, None, True),
        (["shop"], None, True),
        (["shop"], ["production", "staging"], True),
        (["web"], None, False),
        (["shop"], ["staging"], False),
        ([], None, False),
    ],
)
def test_a_person_hears_of_the_services_and_environments_they_asked_for(
    services: list[str] | None, environments: list[str] | None, is_told: bool
) -> None:
    person = Person(1, "Ada", None, True, "all", services, environments)
    assert list(recipients([person], incident(), "all")) == ([person] if is_told else [])
