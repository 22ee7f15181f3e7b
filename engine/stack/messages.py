"""Blank what varies in a message from one event to the next, so that one error has one text."""

import re
from functools import lru_cache

MAX_CHARACTERS = 300

_STATUS = re.compile(r"(?i)\b(status(?:[ _]?code)?|http(?:/\d(?:\.\d)?)?)([ :=]+)([1-5]\d\d)\b")
"""404 and 500 are different errors, though both are numbers; they become words in the meantime."""

_VARYING = re.compile(
    r"""
      (?P<url>\b[a-z][a-z0-9+.-]*://[^\s"'<>)\]}]+)
    | (?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    | (?P<uuid>\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b)
    | (?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|\ ?[+-]\d\d:?\d\d)?)?\b)
    | (?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[?[0-9a-f]*:(?:[0-9a-f]*:){2,}[0-9a-f]+\]?)
    | (?P<address>\b0x[0-9a-f]+\b|@[0-9a-f]{5,16}\b)
    | (?P<hash>\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,}\b)
    | (?P<token>\b(?=[a-z0-9_-]*\d[a-z0-9_-]*[a-z][a-z0-9_-]*\d)[a-z0-9_-]{20,}\b)
    | (?P<number>[+-]?\d[\d.,_]*\d|\d)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@lru_cache(maxsize=16_384)
def blanked(message: str) -> str:
    """Return the first line of `message` with ids, numbers, addresses, times and hosts blanked."""
    line = next((line for line in message.splitlines() if line.strip()), "")[: 4 * MAX_CHARACTERS]
    line = _STATUS.sub(lambda found: found[1] + found[2] + _spelled(found[3]), line)
    return " ".join(_VARYING.sub(_blank, line).split())[:MAX_CHARACTERS]


def _blank(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind != "url":
        return f"<{kind}>"
    path = found[0].partition("://")[2].partition("?")[0].partition("#")[0].partition("/")[2]
    return f"<host>/{_VARYING.sub(_blank, path)}"


def _spelled(status: str) -> str:
    return "".join(chr(ord("A") + int(digit)) for digit in status)
