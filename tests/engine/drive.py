"""The fold, driven as the server drives the engine, without a process between."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from engine.checkpoints import checkpoint
from engine.fold import fold
from engine.state import State
from shared.pipe import (
    Ack,
    Checkpoint,
    Decision,
    Inbound,
    Incident,
    IncidentEnded,
    Outbound,
    Restored,
    RestoredState,
    encode_lines,
)
from shared.pipe import State as StateLine

T = TypeVar("T")

Stored = dict[str, bytes]
"""What a server keeps of an engine's states."""


def run(messages: Iterable[Inbound], state: State | None = None) -> list[Outbound]:
    """All answers to `messages`, of a new engine unless told."""
    state = State() if state is None else state
    return [line for message in messages for line in fold(state, message)]


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


def save(state: State) -> tuple[list[Outbound], int]:
    """A checkpoint now: its lines and its `seq`."""
    lines = checkpoint(state)
    return lines, of_type(lines, Checkpoint)[0].seq


def restored(stored: Stored, seq: int) -> State:
    """A new engine that was given these states, in an order that nobody promised."""
    state = State()
    for key in sorted(stored, reverse=True):
        assert fold(state, RestoredState(key=key, value=msgspec.Raw(stored[key]))) == []
    assert fold(state, Restored(seq=seq)) == []
    return state


def ended(answers: Iterable[Outbound]) -> list[IncidentEnded]:
    """The incidents that ended, in order."""
    return of_type(answers, IncidentEnded)
