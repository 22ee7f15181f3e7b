"""From bytes to a payload's type: in one go, or part by part where a body is odd."""

import json
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec

from server.ingest.delivery import Fault, InvalidPayload
from server.ingest.github.payload import Repository
from server.ingest.notes import Notes
from server.ingest.salvage import salvage
from server.ingest.text import one_line

FORM = "application/x-www-form-urlencoded"

S = TypeVar("S", bound=msgspec.Struct)


def read_body(body: bytes, content_type: str, struct: type[S], notes: Notes) -> S:
    """The `struct` in the body, notes on what had to be left out; raises `InvalidPayload`."""
    text = _form_payload(body) if content_type == FORM else body
    try:
        return msgspec.json.decode(text, type=struct)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_leniently(text, struct, notes)


def missing(path: str, message: str) -> InvalidPayload:
    """The refusal of a body that lacks what nothing can stand in for."""
    return InvalidPayload(
        f"no deploy can be read from it: {path} is missing", (Fault(path, message),)
    )


def read_name(repository: Repository | None) -> str:
    """``owner/name``; raises `InvalidPayload` where it is missing."""
    # Cleaned first: a name of nothing but control characters would be a service without a name.
    name = one_line((repository and repository.full_name) or "", 512)
    if not name.rpartition("/")[2].strip():
        raise missing("repository.full_name", "expected owner/name")
    return name


def _form_payload(body: bytes) -> bytes:
    try:
        found = parse_qs(body, max_num_fields=10).get(b"payload")
    except ValueError:
        found = None
    if not found:
        raise InvalidPayload(
            "the form holds no payload", (Fault("payload", "expected a field with the JSON"),)
        )
    return found[0]


def _read_leniently(body: bytes, struct: type[S], notes: Notes) -> S:
    expected = (Fault("body", "expected the JSON object of a GitHub webhook"),)
    try:
        value = json.loads(body.decode("utf-8-sig", "replace"), strict=False, parse_int=_number)
        if isinstance(value, dict):
            return salvage(value, struct, "", notes)
    except RecursionError:
        raise InvalidPayload("the body is nested too deeply", expected) from None
    except ValueError as error:
        raise InvalidPayload(f"the body is not JSON ({error})", expected) from None
    raise InvalidPayload("the body is JSON, but not an object", expected)


def _number(digits: str) -> int | float:
    # Python refuses to read integers of more than 4300 digits, and no field of ours takes them.
    return int(digits) if len(digits) <= 100 else float(digits)
