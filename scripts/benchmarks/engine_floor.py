"""A child that reads what the engine reads and only decodes it: what deciding is held against."""

import os
import sys

from engine.__main__ import READ_BYTES
from engine.lines import LineCutter
from shared.pipe import Ping, Pong, decode_inbound, encode_lines


def main() -> int:
    """Decode until stdin ends; pings are answered."""
    cutter = LineCutter()
    while chunk := os.read(sys.stdin.fileno(), READ_BYTES):
        for line in cutter.feed(chunk)[0]:
            message = decode_inbound(line)
            if isinstance(message, Ping):
                os.write(sys.stdout.fileno(), encode_lines([Pong(message.id)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
