"""Decodes bytes into a payload's type: in one go, or part by part if the body is odd."""

import json
from typing import TypeVar

import msgspec

from server.ingest.delivery import Fault, InvalidPayload
from server.ingest.notes import Notes
from server.ingest.salvage import salvage

S = TypeVar("S", bound=msgspec.Struct)


def read_json(body: bytes, struct: type[S], notes: Notes, expected: str) -> S:
    """Return the `struct` in the body, and add notes on what was left out of it.

    Raises `InvalidPayload` if there is nothing usable; `expected` says what would be right.
    """
    try:
        return msgspec.json.decode(body, type=struct)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_leniently(body, struct, notes, expected)


def _read_leniently(body: bytes, struct: type[S], notes: Notes, expected: str) -> S:
    """Decode as `read_json` does, for bodies that only the standard library's decoder accepts.

    These hold NaN, numbers beyond a float, halves of surrogate pairs (from text cut within an
    emoji), raw control characters, or bytes that are not UTF-8.
    """
    right = (Fault("body", expected),)
    encoding = json.detect_encoding(body)
    text = body.decode(encoding, "replace")
    try:
        value = json.loads(text, strict=False, parse_int=_bounded_integer)
    except RecursionError:
        raise InvalidPayload("the body is nested too deeply", right) from None
    except ValueError as error:
        raise InvalidPayload(f"the body is not JSON ({error})", right) from None
    if not isinstance(value, dict):
        raise InvalidPayload("the body is JSON, but not an object", right)
    if not encoding.startswith("utf-8"):
        notes.add(f"body: encoded as {encoding} rather than UTF-8")
    elif "\ufffd" in text and not _is_utf8(body):
        notes.add("body: not valid UTF-8; the wrong bytes are replaced")
    try:
        return salvage(value, struct, "", notes)
    except RecursionError:
        raise InvalidPayload("the body is nested too deeply", right) from None


def _bounded_integer(digits: str) -> int | float:
    # Python refuses to read integers of more than 4300 digits, and none of our fields takes them.
    return int(digits) if len(digits) <= 100 else float(digits)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
