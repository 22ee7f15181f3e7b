"""Text from outside cannot control what displays it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import first_line, harmless


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Fix it\n\nAnd more", "Fix it"),
        ("\n  Fix it \r\nmore", "Fix it"),
        ("Fix it", "Fix it"),
        ("", ""),
        (" \n", ""),
    ],
)
def test_the_first_line_is_the_first_with_something_on_it(text: str, line: str) -> None:
    assert first_line(text) == line


@given(st.text(st.characters()))
def test_no_text_rules_a_terminal_and_what_is_printable_stays(text: str) -> None:
    shown = harmless(text)
    assert shown.isprintable()
    if text.isprintable():
        assert shown == text
