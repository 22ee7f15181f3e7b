"""An engine as small as can be: it counts, and does what the pipe asks of every engine.

``python -m tests.fakes.engines.honest``. The others misbehave in one way each. A decision's
number ``count`` is how many events of its exception type there were, so that one that is lost or
counted twice shows in every decision after it.
"""

import json
import os
import sys
from typing import Any

CHECKPOINT_EVERY = 50

Message = dict[str, Any]


class HonestEngine:
    """Reads lines until its input ends, and answers each chunk at once."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.changed: set[str] = set()
        self.seq = 0
        self.checkpointed = 0

    def run(self) -> None:
        """Serve stdin until it ends."""
        self.say({"type": "ready", "engine": "honest 1"})
        rest = b""
        while chunk := os.read(0, 65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.hear(json.loads(line))
            self.answer()
        self.checkpoint()

    def hear(self, message: Message) -> None:
        """Take one message in."""
        match message["type"]:
            case "state":
                self.counts[message["key"]] = message["value"]
            case "restored":
                self.seq = self.checkpointed = message["seq"]
            case "tick":
                self.tick(message)
            case "ping":
                self.say({"type": "pong", "id": message["id"]})
            case _:
                self.decide(message)

    def decide(self, entry: Message) -> None:
        """Decide one entry of the journal."""
        kind = str(entry.get("exception_type", entry["type"]))
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.changed.add(kind)
        self.seq = entry["seq"]
        numbers = {"count": self.counts[kind]}
        self.say({"type": "decision", "seq": self.seq, "code": "known", "numbers": numbers})

    def tick(self, message: Message) -> None:
        """Time has passed."""

    def answer(self) -> None:
        """All that was there is decided."""
        if self.seq - self.checkpointed >= CHECKPOINT_EVERY:
            self.checkpoint()
        else:
            self.ack()

    def ack(self) -> None:
        """Acknowledge what is decided."""
        if self.seq > self.checkpointed:
            self.say({"type": "ack", "seq": self.seq})

    def checkpoint(self) -> None:
        """Say what changed, and that it is complete."""
        for key in sorted(self.changed):
            self.say({"type": "state", "key": key, "value": self.counts[key]})
        self.changed.clear()
        self.checkpointed = self.seq
        self.say({"type": "checkpoint", "seq": self.seq})

    def say(self, message: Message) -> None:
        """Write one message."""
        self.write(json.dumps(message).encode() + b"\n")

    def write(self, raw: bytes) -> None:
        """Write bytes as they are."""
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    HonestEngine().run()
