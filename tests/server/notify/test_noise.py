"""Noise filters hold back what matches, and nothing else."""

from typing import Any

import pytest

from server.notify.noise import is_partly_noise, noise_in, said_in_short
from server.storage.main.noise import NoiseFilter
from shared.incident import Symptom
from tests.server.notify.news import incident


def noise_filter(pattern: str, number: int = 1, **changes: Any) -> NoiseFilter:
    fields: dict[str, Any] = {
        "id": number,
        "pattern": pattern,
        "made_by": "Ada",
        "held_back": 0,
    } | changes
    return NoiseFilter(last_incident_id=None, last_at=None, **fields)


@pytest.mark.parametrize(
    ("pattern", "is_noise"),
    [("ValueError: price*", True), ("*price*", True), ("ValueError", False), ("TypeError*", False)],
)
def test_type_and_message_are_compared(pattern: str, is_noise: bool) -> None:
    assert (noise_in(incident(), [noise_filter(pattern)]) is not None) is is_noise


@pytest.mark.parametrize(
    ("service", "environment", "is_noise"),
    [
        ("", "", True),
        ("shop", "", True),
        ("SHOP", "prod*", True),
        ("shop", "staging", False),
        ("sho", "", False),
        ("", "staging", False),
    ],
)
def test_a_filter_holds_back_only_what_happens_where_it_says(
    service: str, environment: str, is_noise: bool
) -> None:
    there = noise_filter("*", service=service, environment=environment)
    assert (noise_in(incident(), [there]) is not None) is is_noise


def test_what_is_noise_elsewhere_makes_an_incident_no_mixture() -> None:
    mixed = incident(top_symptoms=[NOISE, Symptom("f2", "KeyError", "id", 1)])
    assert is_partly_noise(mixed, [noise_filter("KeyError*")])
    assert not is_partly_noise(mixed, [noise_filter("KeyError*", service="web")])


@pytest.mark.parametrize(
    ("service", "environment", "said"),
    [
        ("", "", "KeyError*"),
        ("shop", "", "KeyError* in shop"),
        ("", "staging", "KeyError* in staging"),
        ("shop", "staging", "KeyError* in shop / staging"),
    ],
)
def test_a_filter_says_what_it_matches(service: str, environment: str, said: str) -> None:
    assert (
        said_in_short(noise_filter("KeyError*", service=service, environment=environment)) == said
    )


def test_an_incident_of_which_one_symptom_is_no_noise_is_told() -> None:
    other = Symptom("f2", "KeyError", "id", 1)
    mixed = incident(top_symptoms=[*incident().top_symptoms, other])
    filters = [noise_filter("ValueError*")]
    assert noise_in(mixed, filters) is None
    assert is_partly_noise(mixed, filters)
    assert not is_partly_noise(incident(), filters)
    assert not is_partly_noise(mixed, [])


NOISE = Symptom("f1", "ValueError", "price is negative", 1)
MORE_NOISE = Symptom("f2", "ValueError", "price is missing", 1)
NEWS = Symptom("f3", "ValueError", "tax is negative", 1)
OTHER_TYPE = Symptom("f4", "KeyError", "price is negative", 1)


@pytest.mark.parametrize(
    ("symptoms", "is_partly"),
    [
        ([], False),
        ([NOISE], False),
        ([NEWS], False),
        ([NOISE, MORE_NOISE], False),
        ([NEWS, OTHER_TYPE], False),
        ([NOISE, NEWS], True),
        ([NEWS, NOISE], True),
        ([NOISE, MORE_NOISE, OTHER_TYPE], True),
    ],
)
def test_partly_noise_is_what_has_noise_and_something_else_in_any_order(
    symptoms: list[Symptom], is_partly: bool
) -> None:
    mixed = incident(top_symptoms=symptoms)
    assert is_partly_noise(mixed, [noise_filter("valueerror: price*")]) is is_partly


@pytest.mark.parametrize(
    ("symptoms", "is_noise"),
    [
        ([], True),
        ([NOISE, MORE_NOISE], True),
        ([NOISE, NEWS], False),
        ([NEWS, NOISE], False),
        ([OTHER_TYPE], False),
    ],
)
def test_an_incident_is_noise_when_its_error_and_all_of_its_symptoms_are(
    symptoms: list[Symptom], is_noise: bool
) -> None:
    filters = [noise_filter("ValueError: price*")]
    held_back = noise_in(incident(top_symptoms=symptoms), filters)
    assert held_back == (filters[0] if is_noise else None)
    shown = incident(top_symptoms=symptoms, message="tax is negative")
    assert noise_in(shown, filters) is None


def test_symptoms_may_be_noise_by_different_filters_and_the_first_of_the_error_counts() -> None:
    filters = [
        noise_filter("KeyError*", 1),
        noise_filter("ValueError: price is n*", 2),
        noise_filter("ValueError*", 3),
    ]
    mixed = incident(top_symptoms=[NOISE, OTHER_TYPE])
    assert noise_in(mixed, filters) == filters[1]
    assert noise_in(mixed, filters[1:]) is None
    assert not is_partly_noise(mixed, filters)
    assert is_partly_noise(mixed, filters[1:])
