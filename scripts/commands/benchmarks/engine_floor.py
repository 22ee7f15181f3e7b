"""A child that reads what the engine reads and only decodes it, as a baseline for deciding."""

import os
import sys

from engine.__main__ import READ_BYTES
from shared.lines import Lines, TooLong
from shared.pipe import MAX_LINE_BYTES, Ping, Pong, decode_inbound, encode_lines


def main() -> int:
    """Decode until stdin ends; answer pings."""
    cutter = Lines(MAX_LINE_BYTES)
    while chunk := os.read(sys.stdin.fileno(), READ_BYTES):
        for line in cutter.feed(chunk):
            if isinstance(line, TooLong):
                continue
            message = decode_inbound(line)
            if isinstance(message, Ping):
                os.write(sys.stdout.fileno(), encode_lines([Pong(message.id)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
