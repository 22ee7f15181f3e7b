"""Noise filters hold back what matches, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notify.noise import is_partly_noise, matches, noise_in
from server.storage.noise import NoiseFilter
from shared.incident import Symptom
from tests.server.notify.news import incident


def noise_filter(pattern: str) -> NoiseFilter:
    return NoiseFilter(
        id=1,
        pattern=pattern,
        about="",
        enabled=True,
        held_back=0,
        last_incident_id=None,
        last_at=None,
    )


@given(st.text("ab*", max_size=12), st.text("ab", max_size=12))
def test_a_star_stands_for_any_characters(pattern: str, text: str) -> None:
    wanted = re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None
    assert matches(pattern, text) is wanted


def test_the_case_of_letters_does_not_matter_and_lines_end_nothing() -> None:
    assert matches("*RESIZEobserver*", "Error: ResizeObserver loop\nlimit exceeded")


def test_a_pattern_that_is_made_to_take_long_does_not() -> None:
    assert not matches("*a" * 200 + "b", "a" * 8000 + "c")


@pytest.mark.parametrize(
    ("pattern", "is_noise"),
    [("ValueError: price*", True), ("*price*", True), ("ValueError", False), ("TypeError*", False)],
)
def test_type_and_message_are_compared(pattern: str, is_noise: bool) -> None:
    assert (noise_in(incident(), [noise_filter(pattern)]) is not None) is is_noise


def test_an_incident_of_which_one_symptom_is_no_noise_is_told() -> None:
    other = Symptom("f2", "KeyError", "id", 1)
    mixed = incident(top_symptoms=[*incident().top_symptoms, other])
    filters = [noise_filter("ValueError*")]
    assert noise_in(mixed, filters) is None
    assert is_partly_noise(mixed, filters)
    assert not is_partly_noise(incident(), filters)
    assert not is_partly_noise(mixed, [])
