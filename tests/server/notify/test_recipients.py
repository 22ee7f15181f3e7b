"""Who hears of an incident, and who does not."""

import pytest

from server.notify.recipients import recipients
from server.storage.people import Person
from shared.event import Severity

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
    assert list(recipients(PEOPLE, severity, "all")) == told


def test_nobody_hears_of_what_is_below_the_floor_of_the_installation() -> None:
    assert list(recipients(PEOPLE, "error", "critical")) == []
