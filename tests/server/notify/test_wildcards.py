"""In a pattern, a star stands for any characters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notify.wildcards import matches


@given(st.text("ab*", max_size=12), st.text("ab", max_size=12))
def test_a_star_stands_for_any_characters(pattern: str, text: str) -> None:
    wanted = re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None
    assert matches(pattern, text) is wanted


def test_the_case_of_letters_does_not_matter_and_lines_end_nothing() -> None:
    assert matches("*RESIZEobserver*", "Error: ResizeObserver loop\nlimit exceeded")


def test_a_pattern_that_is_made_to_take_long_does_not() -> None:
    assert not matches("*a" * 200 + "b", "a" * 8000 + "c")


@pytest.mark.parametrize(
    ("pattern", "text", "does"),
    [
        ("ab*ba", "aba", False),
        ("ab*ba", "abba", True),
        ("a*b*c", "acb", False),
        ("*a*a*", "ba", False),
        ("*a*a*", "aa", True),
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("a", "ab", False),
        ("a*b*b", "ab", False),
        ("a*b*b", "abb", True),
        ("a*a*", "ab", False),
        ("a*a*", "aba", True),
        ("STRASSE", "straße", True),
        ("straße", "STRASSE", True),
    ],
)
def test_the_parts_of_a_pattern_stand_one_behind_the_other(
    pattern: str, text: str, does: bool
) -> None:
    assert matches(pattern, text) is does
