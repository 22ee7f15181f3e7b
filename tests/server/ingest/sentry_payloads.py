"""Our own bodies in the shapes that Sentry sends, and a reader of what becomes of them."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from server.ingest.delivery import Delivery
from server.ingest.sentry import parse_sentry
from shared.event_context import unpack_context
from shared.pipe import Entry, EventEntry, decode_inbound, encode_lines

ROOT = Path(__file__).resolve().parents[3]
ODD_SHAPES = ROOT / "tests" / "payloads" / "sentry"
SAMPLES = ROOT / "scripts" / "samples"

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")

RECEIVED = datetime(2025, 3, 4, 9, 30, tzinfo=UTC)


def shape(name: str) -> bytes:
    """The body ``tests/payloads/sentry/NAME.json``."""
    return (ODD_SHAPES / f"{name}.json").read_bytes()


def sample(name: str = "python") -> dict[str, Any]:
    """The alert ``scripts/samples/NAME.json``, decoded."""
    payload: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_bytes())
    return payload


def parsed(
    body: bytes | dict[str, Any], resource: str | None = None, received: datetime = RECEIVED
) -> Delivery:
    """The delivery that `body` is, its entries checked to be fit for the journal."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    delivery = parse_sentry(raw, resource, received)
    for entry in delivery.entries:
        assert_fit(entry)
    return delivery


def event_of(
    body: bytes | dict[str, Any], resource: str | None = None, received: datetime = RECEIVED
) -> EventEntry:
    """The one event that `body` is."""
    (entry,) = parsed(body, resource, received).entries
    assert isinstance(entry, EventEntry)
    return entry


def assert_fit(entry: Entry) -> None:
    """An entry is written and read again as it was, within all limits, without control codes."""
    (line,) = encode_lines([entry]).splitlines()
    assert decode_inbound(line) == entry
    if isinstance(entry, EventEntry):
        unpack_context(entry.context)
    for text in texts_of(msgspec.json.decode(line)):
        assert not _CONTROL.search(text), f"{text!r} holds control characters"


def texts_of(value: object) -> list[str]:
    """Every text in decoded JSON, names of fields included."""
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in texts_of(item)]
        case dict():
            return [text for pair in value.items() for item in pair for text in texts_of(item)]
    return []
