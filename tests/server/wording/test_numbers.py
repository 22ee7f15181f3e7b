"""Numbers are shown with the digits that matter."""

import pytest

from server.wording.numbers import named_numbers, say_duration, say_number, say_span


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (0.0, "0"),
        (2.0, "2"),
        (2.345678, "2.35"),
        (1234.5678, "1,230"),
        (0.00123456, "0.00123"),
        (0.00000123456, "1.23e-06"),
        (-13.14, "-13.1"),
        (1e300, "1e+300"),
        ("shop@1.4.2", "shop@1.4.2"),
    ],
)
def test_a_number_has_three_digits_that_matter(number: float | str, shown: str) -> None:
    assert say_number(number) == shown


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [
        (0.4, "under a minute"),
        (1.0, "1 min"),
        (60.0, "1 h"),
        (125.9, "2 h 5 min"),
        (1440.0, "1 d"),
        (4000.0, "2 d 18 h"),
    ],
)
def test_a_span_is_said_in_its_two_biggest_units(minutes: float, shown: str) -> None:
    assert say_span(minutes) == shown


def test_each_number_keeps_its_place_and_gets_a_name_in_words() -> None:
    assert named_numbers({"usual_per_min": 0.5, "blue_moons": 2}) == [
        ("usual events a minute", "0.5"),
        ("blue moons", "2"),
    ]


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0.4, "0 minutes"),
        (1, "1 minute"),
        (119.4, "119 minutes"),
        (120, "2 hours"),
        (151, "3 hours"),
        (2879, "48 hours"),
        (2880, "2 days"),
    ],
)
def test_a_duration_is_said_in_the_one_unit_that_matters(minutes: float, words: str) -> None:
    assert say_duration(minutes) == words
