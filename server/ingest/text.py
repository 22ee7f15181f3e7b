"""Makes text from outside fit for an entry: encodable as UTF-8, no control characters, cut."""

import math
import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_READ = 8
"""How many characters are read for one that is kept: a body may be megabytes of one text."""

_REPLACEMENT = "\ufffd"
_CUT_MARK = "…"


def clean_line(text: str, limit: int) -> str:
    """Return `text` on one line, cut at the end to at most `limit` characters."""
    text = text[: _READ * limit]
    # Nearly every name is printable, and isprintable() costs a fifth of the substitution.
    if not text.isprintable():
        text = _CONTROL.sub(_line_end_as_space, text)
    return text.strip()[:limit]


def line_end(text: str, limit: int) -> str:
    """Return `text` as `clean_line` does, but keep the end, which says more of a path."""
    end = text[-_READ * limit :]
    return clean_line(end, len(end))[-limit:]


def many_lines(text: str, limit: int) -> str:
    """Return `text` with its line ends and tabs, of at most `limit` characters; `…` marks a cut."""
    read = text[: _READ * limit]
    is_whole = len(read) == len(text)
    if not read.isprintable():
        read = _CONTROL_BUT_LINES.sub(_without_control, read)
    return read if is_whole and len(read) <= limit else read[: limit - 1] + _CUT_MARK


def scalar_text(value: str | float | bool | None) -> str:
    """Return a JSON scalar as text; null and numbers unknown to JSON become empty."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if not math.isfinite(value):
            return ""
    return str(value)


def encodable(text: str) -> str:
    """Return `text` with surrogate pairs joined and halves of them replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_control(match: re.Match[str]) -> str:
    return _REPLACEMENT if match[0] >= "\ud800" else ""


def _line_end_as_space(match: re.Match[str]) -> str:
    return " " if match[0] in "\t\n\r\v\f" else _without_control(match)
