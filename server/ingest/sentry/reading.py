"""From bytes to `payload.Body`: typed in one go, or part by part where a body is odd."""

import json

import msgspec

from server.ingest.delivery import Fault, InvalidPayload
from server.ingest.notes import Notes
from server.ingest.salvage import salvage
from server.ingest.sentry.payload import Body

_EXPECTED = (
    "expected the JSON object of a Sentry webhook, with `data.event` (event alert), `data.error`, "
    "`data.issue`, `data.metric_alert` or `event` (legacy webhook) in it"
)

_decoder = msgspec.json.Decoder(Body)


def read_body(body: bytes) -> tuple[Body, Notes]:
    """The body, and notes on what had to be left out of it; raises `InvalidPayload`."""
    notes = Notes()
    try:
        return _decoder.decode(body), notes
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_leniently(body, notes), notes


def refused(problem: str, path: str = "body") -> InvalidPayload:
    """The refusal of a body in which there is nothing to take, with what would be right."""
    return InvalidPayload(problem, (Fault(path, _EXPECTED),))


def _read_leniently(body: bytes, notes: Notes) -> Body:
    """As `read_body`, for what only the standard library's decoder takes.

    That is NaN, numbers beyond a float, halves of surrogate pairs (a text that was cut within
    an emoji), raw control characters, and bytes that are not UTF-8.
    """
    encoding = json.detect_encoding(body)
    text = body.decode(encoding, "replace")
    try:
        value = json.loads(text, strict=False, parse_int=_bounded_integer)
    except RecursionError:
        raise refused("the body is nested too deeply") from None
    except ValueError as error:
        raise refused(f"the body is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise refused("the body is JSON, but not an object")
    if not encoding.startswith("utf-8"):
        notes.add(f"body: encoded as {encoding} rather than UTF-8")
    elif "\ufffd" in text and not _is_utf8(body):
        notes.add("body: not valid UTF-8; the wrong bytes are replaced")
    try:
        return salvage(value, Body, "", notes)
    except RecursionError:
        raise refused("the body is nested too deeply") from None


def _bounded_integer(digits: str) -> int | float:
    # Python refuses to read integers of more than 4300 digits, and no field of ours takes them.
    return int(digits) if len(digits) <= 100 else float(digits)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
