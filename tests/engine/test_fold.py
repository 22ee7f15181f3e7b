"""The fold's promises for any input: one decision each, errors as data, nothing superfluous."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.fold import CHECKPOINT_ENTRIES, answer, finish, fold, rest
from engine.memory.state import State
from shared.decisions import Code
from shared.pipe import (
    Ack,
    Checkpoint,
    Decision,
    Error,
    Inbound,
    Outbound,
    Ping,
    Pong,
    encode_lines,
)
from shared.pipe import State as StateLine
from tests import builders
from tests.engine.drive import codes, lasting, of_type, restored, run, save, store

ENTRIES: list[Inbound] = [
    builders.settings(1, 0, production_environments=["production", "eu"]),
    builders.deploy_entry(2, 1),
    builders.event_entry(3, 2),
    builders.event_entry(4, 3, exception_type="KeyError", severity="critical"),
    builders.event_entry(5, 4, environment="staging"),
    builders.change_window_entry(6, 5, deploy_id="next"),
    builders.silence(7, 6, issue_id="unknown"),
    builders.event_entry(8, 7, environment="unknown", occurrence=False, issue_id="waits"),
    builders.event_entry(9, 3_000),
    builders.resolve(10, 3_001, issue_id="unknown"),
    builders.event_entry(11, 90_000, unique=True),
]


def answers_to(lines: bytes, cuts: list[int]) -> bytes:
    """The lasting answers to lines that come in chunks of so many lines."""
    state = State()
    out: list[Outbound] = []
    remaining = lines.splitlines()
    for size in [*cuts, len(remaining)]:
        for line in remaining[:size]:
            out += answer(state, line)
        out += rest(state)
        del remaining[:size]
    return lasting([*out, *finish(state)])


def test_every_entry_has_exactly_one_decision() -> None:
    decided = [decision.seq for decision in of_type(run(ENTRIES), Decision)]
    assert decided == list(range(1, len(ENTRIES) + 1))


@given(st.lists(st.integers(0, 4), max_size=8))
def test_cuts_between_reads_change_nothing(cuts: list[int]) -> None:
    lines = encode_lines(ENTRIES)
    assert answers_to(lines, cuts) == answers_to(lines, [])


@pytest.mark.parametrize("cut", range(len(ENTRIES) + 1))
def test_a_restart_between_entries_changes_nothing(cut: int) -> None:
    state = State()
    before = run(ENTRIES[:cut], state)
    stored: dict[str, bytes] = {}
    lines, seq = save(state)
    store(stored, lines)
    after = run(ENTRIES[cut:], restored(stored, seq))
    assert lasting([*before, *after]) == lasting(run(ENTRIES))


@given(st.lists(st.integers(0, 100_000), max_size=6))
def test_ticks_change_only_when_a_thing_is_said(ticks: list[int]) -> None:
    ends = builders.tick(200_000)
    state = State()
    out: list[Outbound] = []
    due = sorted(ticks)
    for entry in ENTRIES:
        received = getattr(entry, "received", None)
        while due and received is not None and builders.at(due[0]) <= received:
            out += fold(state, builders.tick(due.pop(0)))
        out += fold(state, entry)
    out += fold(state, ends)
    assert lasting(out) == lasting(run([*ENTRIES, ends]))


def test_entries_of_a_plain_file_are_numbered_in_order() -> None:
    lines = [
        {
            "source": "curl",
            "service": "shop",
            "environment": "production",
            "timestamp": f"2025-03-04T09:0{minute}:00Z",
            "severity": "error",
            "exception_type": "ValueError",
            "message": "no price",
        }
        for minute in range(3)
    ]
    state = State()
    out = [said for line in lines for said in answer(state, json.dumps(line).encode())]
    assert [decision.seq for decision in of_type(out, Decision)] == [1, 2, 3]
    assert codes(out) == ["opened", "in_incident", "in_incident"]


def test_an_unreadable_entry_is_an_error_and_has_a_decision() -> None:
    state = State()
    out = answer(state, b'{"type":"event","seq":7,"service":5}')
    assert [type(line) for line in out] == [Error, Decision]
    assert of_type(out, Error)[0].seq == 7
    assert of_type(out, Decision) == [Decision(7, Code.UNREADABLE)]
    # It counts as decided, so a second time it is only an error.
    again = answer(state, b'{"type":"event","seq":7,"service":5}')
    assert [type(line) for line in again] == [Error]
    assert of_type(rest(state), Ack) == [Ack(7)]
    assert codes(fold(state, builders.event_entry(8))) == ["opened"]


def test_a_line_that_is_no_entry_is_an_error_and_has_no_decision() -> None:
    assert [type(line) for line in answer(State(), b"{nonsense")] == [Error]


def test_an_entry_that_was_decided_is_not_decided_again() -> None:
    state = State()
    first = fold(state, builders.event_entry(1))
    again = fold(state, builders.event_entry(1))
    assert codes(first) == ["opened"]
    assert [type(line) for line in again] == [Error]
    assert len(state.issues) == 1


def test_a_ping_is_answered_with_its_id() -> None:
    assert run([Ping(id=41)]) == [Pong(id=41)]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_one_error(line: bytes) -> None:
    out = answer(State(), line)
    assert len(of_type(out, Error)) <= 1


FIELDS = st.sampled_from(
    ["type", "seq", "received", "service", "stacktrace", "change_window", "time", "value", "kind"]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(["event", "state", "restored", "tick", "resolve", "2025-03-04T09:00:00Z"]),
    st.lists(st.integers(), max_size=2),
)


@given(st.sampled_from(ENTRIES), st.dictionaries(FIELDS, VALUES, max_size=3))
def test_an_entry_with_odd_fields_is_a_message_or_one_error(
    entry: Inbound, odd: dict[str, Any]
) -> None:
    line = json.loads(encode_lines([entry])) | odd
    out = answer(State(), json.dumps(line).encode())
    assert len(of_type(out, Error)) <= 1
    assert len(of_type(out, Decision)) <= 1


def test_a_state_that_cannot_be_read_is_an_error_and_nothing_more() -> None:
    state = State()
    for line in (
        b'{"type":"state","key":"issue:00","value":[1,2]}',
        b'{"type":"state","key":"novelty:00","value":[]}',
        b'{"type":"state","key":"seen:1","value":[1,"!!"]}',
    ):
        assert [type(said) for said in answer(state, line)] == [Error]
    assert codes(fold(state, builders.event_entry(1))) == ["opened"]


def test_a_checkpoint_comes_after_a_few_thousand_entries_and_carries_only_what_changed() -> None:
    state = State()
    entries = [builders.event_entry(seq, 0) for seq in range(1, 2 * CHECKPOINT_ENTRIES + 1)]
    out = run(entries, state)
    checkpoints = of_type(out, Checkpoint)
    assert [line.seq for line in checkpoints] == [CHECKPOINT_ENTRIES, 2 * CHECKPOINT_ENTRIES]
    first = out.index(checkpoints[0])
    assert any(line.key.startswith("service:") for line in of_type(out[:first], StateLine))
    assert not any(line.key.startswith("service:") for line in of_type(out[first:], StateLine))


def test_a_checkpoint_comes_after_some_seconds_with_anything_new() -> None:
    state = State()
    fold(state, builders.event_entry(1, 0))
    assert of_type(rest(state), Checkpoint) == [Checkpoint(1)]
    assert rest(state) == []
    fold(state, builders.event_entry(2, 1))
    assert [type(line) for line in rest(state)] == [Ack]
    fold(state, builders.event_entry(3, 9))
    assert of_type(rest(state), Checkpoint) == [Checkpoint(3)]


def test_what_is_gone_is_said_to_be_gone() -> None:
    state = State()
    run([builders.event_entry(1, 0)], state)
    stored: dict[str, bytes] = {}
    store(stored, save(state)[0])
    assert any(key.startswith("incident:") for key in stored)
    run([builders.tick(90_000)], state)
    store(stored, save(state)[0])
    assert not any(key.startswith("incident:") for key in stored)
