"""Turns what is stored into lines on the pipe, without decoding it."""

from collections.abc import Iterable

import msgspec

from server.storage.journal.entry import JournalEntry
from server.storage.times import from_micros

_encode = msgspec.json.Encoder().encode


def engine_lines(entries: list[JournalEntry]) -> bytes:
    """Return the lines of `entries`, each with its line end."""
    lines = []
    stamp, encoded = -1, b""
    for entry in entries:
        if entry.received != stamp:
            # Entries of one commit share their stamp.
            stamp, encoded = entry.received, _encode(from_micros(entry.received))
        lines.append(_splice(entry.body, b'"seq":%d,"received":%b' % (entry.seq, encoded)))
    lines.append(b"")
    return b"\n".join(lines)


def state_lines(states: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the lines of `states`, keys with their values in JSON, each with its line end."""
    return b"".join(
        [b'{"type":"state","key":%b,"value":%b}\n' % (_encode(key), value) for key, value in states]
    )


def _splice(body: bytes, fields: bytes) -> bytes:
    """Insert `fields` after the type, which comes first in each body and needs no escapes."""
    end = body.index(b'"', len(b'{"type":"')) + 1
    rest = body[end:]
    return b"%b,%b%b" % (body[:end], fields, rest)
