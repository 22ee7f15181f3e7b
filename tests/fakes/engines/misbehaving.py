"""Engines that are honest but for one thing: ``python -m tests.fakes.engines.misbehaving NAME``.

What a behaviour depends on is in the entries themselves (their exception types), so that the same
journal makes each engine do the same.
"""

import json
import os
import signal
import sys
import time

from tests.fakes.engines.honest import HonestEngine, Message

HUGE_LINE_BYTES = 100 * 1024 * 1024


def incident(entry: Message, **fields: object) -> Message:
    """A line that opens an incident with `entry`."""
    return {
        "type": "incident",
        "seq": entry["seq"],
        "change": "opened",
        "incident_id": "inc-0000000000000001",
        "title": "Odd",
        "source": "test",
        "service": "shop",
        "environment": "production",
        "severity": "error",
        "priority_score": 50,
        "trigger": "new_issue",
        "start_time": entry["received"],
        "last_seen": entry["received"],
        "peak_time": entry["received"],
        "exception_type": "Odd",
        "message": "",
        "top_symptoms": [],
        **fields,
    }


class Hung(HonestEngine):
    """At an entry ``Hang`` it hangs: it stays alive and reads nothing more."""

    def decide(self, entry: Message) -> None:
        if entry.get("exception_type") == "Hang":
            while True:
                signal.pause()
        super().decide(entry)


class Mute(HonestEngine):
    """Reads everything and answers no ping and no entry."""

    def hear(self, message: Message) -> None:
        if message["type"] in ("state", "restored"):
            super().hear(message)


class Idle(HonestEngine):
    """Answers pings, but decides nothing."""

    def decide(self, entry: Message) -> None:
        pass


class Poisoned(HonestEngine):
    """An entry ``Poison`` kills it, as a crash of the interpreter would."""

    def decide(self, entry: Message) -> None:
        if entry.get("exception_type") == "Poison":
            os.kill(os.getpid(), signal.SIGKILL)
        super().decide(entry)


class Forgetful(HonestEngine):
    """Acknowledges an entry ``Forget`` without a decision, and says of ``Garbled`` that it is."""

    def decide(self, entry: Message) -> None:
        kind = entry.get("exception_type")
        if kind == "Garbled":
            self.say({"type": "error", "error": True, "message": "odd", "seq": entry["seq"]})
        if kind in ("Forget", "Garbled"):
            self.seq = entry["seq"]
        else:
            super().decide(entry)


class Unstorable(HonestEngine):
    """Says of an entry ``Odd`` what no table takes: more than there are numbers."""

    def decide(self, entry: Message) -> None:
        super().decide(entry)
        if entry.get("exception_type") == "Odd":
            symptom = {"fingerprint": "f", "exception_type": "Odd", "message": "", "count": 2**63}
            self.say(incident(entry, top_symptoms=[symptom]))


class Wordy(HonestEngine):
    """Says half a megabyte about each entry, and acknowledges each by itself."""

    def decide(self, entry: Message) -> None:
        super().decide(entry)
        self.say(incident(entry, message="x" * 500_000))
        self.ack()


class Rubbish(HonestEngine):
    """Writes all kinds of lines that do not count before each answer."""

    def answer(self) -> None:
        self.say({"type": "ready", "engine": "again"})
        self.say({"type": "pong", "id": 999_999})
        self.say({"type": "ack", "seq": self.seq + 1_000})
        self.say({"type": "checkpoint", "seq": self.seq + 1_000})
        self.say({"type": "checkpoint", "seq": -1})
        self.say({"type": "decision", "seq": self.seq + 1_000, "code": "known"})
        self.say({"type": "decision", "seq": 0, "code": "known"})
        self.say({"type": "ack", "seq": 0})
        self.say({"type": "unheard_of", "seq": self.seq})
        for raw in (b"\n", b"\xff\xfe\x00 half", b"{", b"[]", b"null", b'{"type":"ack","seq":"x"}'):
            self.write(raw + b"\n")
        if self.seq:
            self.say({"type": "decision", "seq": self.seq, "code": "a second one"})
        super().answer()
        self.write(b'{"type":"ack","s')
        time.sleep(0)
        self.write(b'eq":0}\n')


class Huge(HonestEngine):
    """Writes one line that is far too long before its first answer to an entry."""

    def __init__(self) -> None:
        super().__init__()
        self.said = False

    def answer(self) -> None:
        if not self.said and self.seq:
            self.said = True
            for _ in range(HUGE_LINE_BYTES // 2**20):
                self.write(b"x" * 2**20)
            self.write(b"\n")
        super().answer()


class Flood(HonestEngine):
    """From the first entry on, it writes only empty lines, as fast as it can."""

    def decide(self, entry: Message) -> None:
        while True:
            self.write(b"\n" * 65536)


class Mumbling(HonestEngine):
    """Writes one empty line less before each decision than would end it."""

    def decide(self, entry: Message) -> None:
        self.write(b"\n" * 999)
        super().decide(entry)


class Raving(HonestEngine):
    """Writes as many empty lines before each decision as end it."""

    def decide(self, entry: Message) -> None:
        self.write(b"\n" * 1000)
        super().decide(entry)


class Early(HonestEngine):
    """Says things that it could only know from its states before it has them."""

    def run(self) -> None:
        self.say({"type": "ack", "seq": 1})
        # In one piece: otherwise the server might read the end after it has given entry 1.
        self.write(
            b"".join(
                json.dumps(message).encode() + b"\n"
                for message in (
                    {"type": "ready", "engine": "early"},
                    {"type": "state", "key": "Boom", "value": 1_000},
                    {"type": "checkpoint", "seq": 0},
                    {"type": "ack", "seq": 1},
                )
            )
        )
        super().run()


class Slow(HonestEngine):
    """Takes a moment for each entry, and acknowledges each by itself."""

    def decide(self, entry: Message) -> None:
        time.sleep(0.02)
        super().decide(entry)
        self.ack()


class Sluggish(HonestEngine):
    """Takes a millisecond and more for each entry."""

    def decide(self, entry: Message) -> None:
        time.sleep(0.001)
        super().decide(entry)


class Stubborn(HonestEngine):
    """Does not end with its input."""

    def run(self) -> None:
        super().run()
        while True:
            signal.pause()


class Late(HonestEngine):
    """Acknowledges only in its last words, however much it is given."""

    def answer(self) -> None:
        pass


class Talkative(HonestEngine):
    """Writes a line to stderr for each entry; some of the lines are useless."""

    def decide(self, entry: Message) -> None:
        sys.stderr.buffer.write(b"deciding %d\xff\n" % entry["seq"])
        sys.stderr.buffer.write(b"y" * 100_000 + b"\n")
        sys.stderr.flush()
        super().decide(entry)


class Ticked(HonestEngine):
    """Says at each tick that an incident ended, as a deadline does."""

    def tick(self, message: Message) -> None:
        ended = {"incident_id": "inc-0000000000000001", "reason": "quiet"}
        self.say({"type": "incident_ended", "time": message["received"], **ended})


ENGINES = {
    engine.__name__.lower(): engine
    for engine in (
        Early,
        Flood,
        Forgetful,
        Huge,
        Hung,
        Idle,
        Late,
        Mumbling,
        Mute,
        Poisoned,
        Raving,
        Rubbish,
        Slow,
        Sluggish,
        Stubborn,
        Talkative,
        Ticked,
        Unstorable,
        Wordy,
    )
}

if __name__ == "__main__":
    if sys.argv[1] == "exits":
        sys.exit(3)
    ENGINES[sys.argv[1]]().run()
