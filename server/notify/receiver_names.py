"""Name receivers whose addresses are secrets, for rows, pages and the log. Pure."""

from hashlib import sha256

_DIGITS = 8
"""Hexadecimal digits: enough to tell addresses apart, too few to find one by."""


def name_of(place: str, address: str) -> str:
    """Return a name for `address` that always stands for it and says only that it is at `place`."""
    return f"{place}#{sha256(address.encode()).hexdigest()[:_DIGITS]}"
