"""Numbers are shown with the digits that matter."""

import pytest

from server.wording.numbers import named_numbers, say_number, say_span


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
        ("usual a minute", "0.5"),
        ("blue moons", "2"),
    ]
