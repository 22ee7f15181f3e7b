"""A child that reads what the engine reads and only decodes ten fields of it: a baseline."""

import os
import sys

import msgspec

from engine.__main__ import READ_BYTES


class Little(msgspec.Struct):
    """Ten fields of an event, none of them checked."""

    type: str
    seq: int | None = None
    source: str = ""
    service: str = ""
    environment: str = ""
    timestamp: str = ""
    severity: str = ""
    exception_type: str = ""
    message: str = ""
    event_id: str | None = None


def main() -> int:
    """Decode until stdin ends."""
    decode = msgspec.json.Decoder(Little).decode
    rest = b""
    while chunk := os.read(sys.stdin.fileno(), READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            decode(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
