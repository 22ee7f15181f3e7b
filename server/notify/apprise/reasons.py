"""Keep why Apprise did not deliver something, without what is secret in the address. Pure."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from server.notify.masking import MASK, masked_line

LONGEST = 300
_BETWEEN = re.compile(r"[/?&=:@,;#\s]+")
_LEAST = 3
"""Shorter parts of an address are in too many words."""


def reason_of(logged: Iterable[str], url: str) -> str:
    """Return what Apprise logged, in one line, with each part of `url` masked but its schema."""
    said = "; ".join(dict.fromkeys(each.strip() for each in logged if each.strip()))
    for part in _parts(url):
        said = re.sub(re.escape(part), MASK, said, flags=re.IGNORECASE)
    return masked_line(said, LONGEST) or "it gave no reason"


def _parts(url: str) -> list[str]:
    """Return the parts of an address that may be secret, the longest first."""
    rest = url.partition("://")[2]
    found = {each for text in (rest, unquote(rest)) for each in _BETWEEN.split(text)}
    return sorted((each for each in found if len(each) >= _LEAST), key=len, reverse=True)
