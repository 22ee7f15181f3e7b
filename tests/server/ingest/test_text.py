"""Text from outside is cut and cleaned, and however long it is, little of it is read."""

import pytest

from server.ingest.text import clean_line, line_end, many_lines


@pytest.mark.parametrize(
    ("text", "line"), [("abcd", "abcd"), ("abcde", "abcd"), (" a\tb\0c\n", "a bc"), ("\ud800", "�")]
)
def test_a_line_is_cut_and_has_no_control_characters(text: str, line: str) -> None:
    assert clean_line(text, 4) == line


@pytest.mark.parametrize(
    ("text", "end"), [("abcd", "abcd"), ("abcde", "bcde"), ("ab\0\ncd\n", "b cd")]
)
def test_the_end_of_a_path_is_kept(text: str, end: str) -> None:
    assert line_end(text, 4) == end


@pytest.mark.parametrize(
    ("text", "lines"), [("a\nbc", "a\nbc"), ("a\nbcd", "a\nb…"), ("a\0\x07b\tc", "ab\tc")]
)
def test_lines_are_cut_with_a_mark(text: str, lines: str) -> None:
    assert many_lines(text, 4) == lines


def test_of_a_text_of_megabytes_only_what_may_be_kept_is_read() -> None:
    """To read all of it takes half a second and more."""
    text = "ab" + "\0" * 4_000_000 + "cd"
    for _ in range(500):
        assert clean_line(text, 4) == "ab"
        assert line_end(text, 4) == "cd"
        assert many_lines(text, 4) == "ab…"
