"""Reads of an envelope what decides whether it is passed on: for whom it is.

An envelope is a line of JSON, its header, and then the items
(https://develop.sentry.dev/sdk/data-model/envelopes/).
"""

import msgspec


class _Header(msgspec.Struct):
    dsn: str


_HEADER = msgspec.json.Decoder(_Header)


def dsn_of(envelope: bytes) -> str | None:
    """Return the DSN in the envelope's header; None if there is none or it cannot be read."""
    line, _, _ = envelope.partition(b"\n")
    try:
        return _HEADER.decode(line).dsn
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
