"""The fold, driven as the server drives the engine, without a process in between."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from engine.fold import answer, fold
from engine.memory.changes import Changes
from engine.memory.checkpoints import checkpoint
from engine.memory.records import scope_key
from engine.memory.state import State
from server.supervisor.entry_lines import state_lines
from shared.pipe import (
    Ack,
    Checkpoint,
    Decision,
    Inbound,
    Incident,
    IncidentEnded,
    Outbound,
    Restored,
    encode_lines,
)
from shared.pipe import State as StateLine

T = TypeVar("T")

Stored = dict[str, bytes]
"""What a server keeps of an engine's states."""


def run(messages: Iterable[Inbound], state: State | None = None) -> list[Outbound]:
    """All answers to `messages`, of a new engine unless told.

    Whatever they change must be said by a checkpoint, or a restart would forget it.
    """
    state = State() if state is None else state
    before, known = everything(state), state.changed
    state.changed = Changes()
    said = [line for message in messages for line in fold(state, message)]
    after = everything(state)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    marked = {f"{kind}:{key}" for kind, key in state.changed}
    assert changed - {"clock:"} <= marked | {line.key for line in of_type(said, StateLine)}
    for kind, key in state.changed:
        getattr(known, kind)(*((key,) if key else ()))
    state.changed = known
    return said


def of_type(answers: Iterable[Outbound], wanted: type[T]) -> list[T]:
    """The answers of one type."""
    return [line for line in answers if isinstance(line, wanted)]


def codes(answers: Iterable[Outbound]) -> list[str]:
    """The codes of all decisions, in order."""
    return [decision.code for decision in of_type(answers, Decision)]


def told(answers: Iterable[Outbound]) -> list[tuple[str, str]]:
    """(change, trigger) of what people would be told, in order; updates of counts left out."""
    return [
        (line.change, line.trigger)
        for line in of_type(answers, Incident)
        if line.change != "updated"
    ]


def lasting(answers: Iterable[Outbound]) -> bytes:
    """The answers that must be the same however the engine was cut off and restored, as bytes."""
    passing = (StateLine, Checkpoint, Ack)
    return encode_lines([line for line in answers if not isinstance(line, passing)])


def store(stored: Stored, answers: Iterable[Outbound]) -> None:
    """Keep the states that `answers` carry, as a server does."""
    for line in of_type(answers, StateLine):
        if bytes(line.value) == b"null":
            stored.pop(line.key, None)
        else:
            stored[line.key] = bytes(line.value)


def everything(state: State) -> Stored:
    """What a server must have of this engine, were it asked for all at once; the events of late
    apart, which come in pieces.
    """
    records: dict[str, Mapping[str, msgspec.Struct]] = {
        "issue": state.issues,
        "tombstone": state.tombstones,
        "archived": state.archived,
        "awaited": state.awaited,
        "fix": state.fixes,
        "service": {scope_key(scope): service for scope, service in state.services.items()},
        "recent": state.recent,
        "deploy": state.deploys,
        "incident": state.incidents,
        "watch": state.watched,
        "settings": {"": state.settings},
        "clock": {"": state.clock},
    }
    return {
        f"{kind}:{key}": msgspec.json.encode(record)
        for kind, of_kind in records.items()
        for key, record in of_kind.items()
    }


def save(state: State) -> tuple[list[Outbound], int]:
    """A checkpoint now: its lines and its `seq`."""
    lines = checkpoint(state)
    return lines, of_type(lines, Checkpoint)[0].seq


def restored(stored: Stored, seq: int) -> State:
    """A new engine that was given these states in an arbitrary order."""
    state = State()
    for line in state_lines(sorted(stored.items(), reverse=True)).splitlines():
        assert answer(state, line) == []
    assert fold(state, Restored(seq=seq)) == []
    return state


def ended(answers: Iterable[Outbound]) -> list[IncidentEnded]:
    """The incidents that ended, in order."""
    return of_type(answers, IncidentEnded)
