"""Decides what counts of what is said on the pipe. There is no I/O here, only the rules.

The child is not trusted: it may be of another version, broken or hostile. What it says counts if it
is about entries that it was given and has not answered yet. Everything else is reported as a fault
and has no effect.
"""

from collections.abc import Sequence

import msgspec

from server.storage.journal.entry import JournalEntry
from shared.decisions import Code
from shared.pipe import (
    Ack,
    Checkpoint,
    Decision,
    DeployVerdict,
    Error,
    FixLive,
    Incident,
    IncidentEnded,
    Outbound,
    Ping,
    Pong,
    Ready,
    State,
)

_Said = Incident | IncidentEnded | DeployVerdict | FixLive
"""What people may be told."""


class Batch(msgspec.Struct):
    """What is to be recorded together, and the entries that it decides.

    Each entry has exactly one decision, in the order of the entries. States come right before the
    checkpoint that makes them count.
    """

    messages: list[Outbound] = msgspec.field(default_factory=list)
    entries: list[JournalEntry] = msgspec.field(default_factory=list)
    size_bytes: int = 0
    has_news: bool = False
    """Whether there is something in it that people may be waiting for."""


class Conversation:
    """One child's answers, checked against what it was given."""

    def __init__(self, watermark: int) -> None:
        self.engine: str | None = None
        """What the child calls itself, once it is ready."""
        self.restored = False
        """Set by the task that gave it all states. Before, it knows nothing and is not believed."""
        self.last_sent = watermark
        self.acked = watermark
        self.in_flight: dict[int, JournalEntry] = {}
        self.in_flight_bytes = 0
        self.unrecorded = 0
        """The number of entries that are decided but not yet reported as recorded."""
        self.signs_of_life = 0
        """Grows with everything that only a working child can say."""
        self._said_bytes = 0
        self._states_bytes = 0
        self._checkpoint = watermark
        self._ping = 0
        self._pong = 0
        self._said: list[_Said] = []
        self._decisions: dict[int, Decision] = {}
        self._unreadable: set[int] = set()
        self._states: dict[str, State] = {}
        self._batch = Batch()

    @property
    def held_bytes(self) -> int:
        """The size of what was said and does not count yet."""
        return self._said_bytes + self._states_bytes

    @property
    def recordable(self) -> Batch:
        """What an acknowledgement or checkpoint has completed; empty if there is nothing."""
        return self._batch

    def take(self) -> Batch:
        """Hand over `recordable`, and begin the next batch."""
        batch, self._batch = self._batch, Batch()
        return batch

    def recorded(self, batch: Batch) -> None:
        """Note that `batch`, which was taken, is stored."""
        self.unrecorded -= len(batch.entries)

    def sent(self, entries: Sequence[JournalEntry]) -> None:
        """Note that `entries` are on their way to the child."""
        for entry in entries:
            self.in_flight[entry.seq] = entry
            self.in_flight_bytes += len(entry.body)
        if entries:
            self.last_sent = entries[-1].seq

    def ping(self) -> Ping:
        """Return the next ping, which asks whether the child lives."""
        self._ping += 1
        return Ping(self._ping)

    def hear(self, message: Outbound, size_bytes: int) -> str | None:
        """Take in a message; return what is wrong with it if it does not count."""
        if isinstance(message, Ready):
            return self._hear_ready(message)
        if self.engine is None:
            return "it speaks before it says that it is ready"
        if isinstance(message, Pong):
            return self._hear_pong(message)
        if isinstance(message, Error):
            return self._hear_error(message)
        if not self.restored:
            return "it speaks of entries before it has its states"
        match message:
            case Decision():
                return self._hear_decision(message, size_bytes)
            case Incident() | FixLive() if message.seq > self.last_sent:
                return f"news of an incident of entry {message.seq}, which it was not given"
            case Incident() | IncidentEnded() | DeployVerdict() | FixLive():
                self._said.append(message)
                self._said_bytes += size_bytes
                if not self.in_flight:
                    # A deadline caused it, and no acknowledgement follows that.
                    self._decide_up_to(self.acked)
            case State():
                self._states[message.key] = message
                self._states_bytes += size_bytes
            case Ack():
                return self._hear_ack(message)
            case Checkpoint():
                return self._hear_checkpoint(message)
        return None

    def _hear_ready(self, ready: Ready) -> str | None:
        if self.engine is not None:
            return "it says again that it is ready"
        self.engine = ready.engine
        self.signs_of_life += 1
        return None

    def _hear_pong(self, pong: Pong) -> str | None:
        if not self._pong < pong.id <= self._ping:
            return f"an answer to ping {pong.id}, which is not open"
        self._pong = pong.id
        self.signs_of_life += 1
        return None

    def _hear_decision(self, decision: Decision, size_bytes: int) -> str | None:
        if decision.seq not in self.in_flight:
            return f"a decision on entry {decision.seq}, which is not in flight"
        if decision.seq in self._decisions:
            return f"a second decision on entry {decision.seq}"
        self._decisions[decision.seq] = decision
        self._said_bytes += size_bytes
        return None

    def _hear_ack(self, ack: Ack) -> str | None:
        if ack.seq > self.last_sent:
            return f"an acknowledgement of entry {ack.seq}, which it was not given"
        if ack.seq < self.acked:
            return f"an acknowledgement of entry {ack.seq}, after one of {self.acked}"
        return self._decide_up_to(ack.seq)

    def _hear_checkpoint(self, checkpoint: Checkpoint) -> str | None:
        if checkpoint.seq > self.last_sent:
            return f"a checkpoint at entry {checkpoint.seq}, which it was not given"
        if checkpoint.seq < self._checkpoint:
            return f"a checkpoint at entry {checkpoint.seq}, after one at {self._checkpoint}"
        fault = self._decide_up_to(checkpoint.seq)
        self._checkpoint = checkpoint.seq
        self._batch.messages.extend(self._states.values())
        self._batch.messages.append(checkpoint)
        self._batch.size_bytes += self._states_bytes
        self._states = {}
        self._states_bytes = 0
        self.signs_of_life += 1
        return fault

    def _hear_error(self, error: Error) -> str:
        if error.seq is not None and error.seq in self.in_flight:
            self._unreadable.add(error.seq)
        where = "" if error.seq is None else f" of entry {error.seq}"
        field = "" if error.field is None else f" at `{error.field}`"
        return f"it could not read a line{where}: {error.message}{field}"

    def _decide_up_to(self, seq: int) -> str | None:
        """Complete what was said of entries up to `seq`; return which of them have no decision."""
        undecided = []
        while self.in_flight:
            first = next(iter(self.in_flight))
            if first > seq:
                break
            entry = self.in_flight.pop(first)
            self.in_flight_bytes -= len(entry.body)
            decision = self._decisions.pop(first, None)
            if decision is None:
                decision = Decision(first, self._missing(first), None, {})
                undecided.append(first)
            self._unreadable.discard(first)
            self._batch.entries.append(entry)
            self.unrecorded += 1
            self._batch.messages.append(decision)
            self._batch.size_bytes += len(entry.body)
        later: list[_Said] = []
        for said in self._said:
            if isinstance(said, Incident | FixLive) and said.seq > seq:
                later.append(said)
            else:
                self._batch.messages.append(said)
                self._batch.has_news = True
        self._said = later
        self._batch.size_bytes += self._said_bytes
        self._said_bytes = 0
        if seq > self.acked:
            self.acked = seq
            self.signs_of_life += 1
        if not undecided:
            return None
        return f"it acknowledged entry {undecided[0]} without a decision"

    def _missing(self, seq: int) -> Code:
        # An accepted entry is decided, even if the engine kept the reason to itself.
        return Code.UNREADABLE if seq in self._unreadable else Code.UNDECIDED
