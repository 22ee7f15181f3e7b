"""Repetitions are decided in a short way, which says what the long way says and knows the same."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.entries import repeat
from engine.fold import answer, fold, refuse
from engine.memory import traces
from engine.memory.state import State
from engine.memory.traces import MAX_BYTES
from shared.pipe import Outbound, UnreadableLine, decode_inbound, encode_lines
from tests import builders
from tests.engine import test_restore, three_weeks
from tests.engine.drive import codes, everything
from tests.shared_data import FOLDER, needs_shared_data

PASSED_S = st.sampled_from([0, 0.5, 2, 30, 61, 300, 1900, 4000, 90_000])
SHIFTS_S = st.sampled_from([0, 0, 0, 0, -20, -400, -9000, 7200])
NAMES = st.fixed_dictionaries(
    {},
    optional={
        "trace_id": st.sampled_from(["trace 1", "trace 2"]),
        "user_id": st.sampled_from(["user 1", "user 2"]),
    },
)


def long_way(state: State, line: bytes) -> list[Outbound]:
    try:
        return fold(state, decode_inbound(line))
    except UnreadableLine as fault:
        return refuse(state, fault)


def assert_both_ways_agree(lines: Iterable[bytes]) -> list[Outbound]:
    short, long, answers = State(), State(), list[Outbound]()
    for line in lines:
        said = answer(short, line)
        assert encode_lines(said) == encode_lines(long_way(long, line))
        answers += said
    assert everything(short) == everything(long)
    assert list(short.issues) == list(long.issues)
    return answers


@given(st.lists(st.tuples(PASSED_S, SHIFTS_S, test_restore.EVENTS, NAMES), max_size=60))
def test_both_ways_agree_on_whatever_comes(
    events: list[tuple[float, float, dict[str, Any], dict[str, Any]]],
) -> None:
    clock, lines = 0.0, []
    for seq, (passed, shift, fields, names) in enumerate(events, start=1):
        clock += passed
        own = fields | names | {"timestamp": builders.at(clock + shift)}
        lines.append(encode_lines([builders.event_entry(seq, clock, **own)]))
    assert_both_ways_agree(lines)


def test_both_ways_agree_on_three_weeks_of_a_company_and_most_of_it_goes_the_short_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    went: list[bool] = []
    decide = repeat.decide

    def counted(*arguments: Any) -> Any:
        decision = decide(*arguments)
        went.append(decision is not None)
        return decision

    monkeypatch.setattr(repeat, "decide", counted)
    answers = assert_both_ways_agree(encode_lines([each]) for each in three_weeks.entries())
    assert sum(went) > 0.5 * len(codes(answers))


@needs_shared_data
def test_both_ways_agree_on_a_little_of_everything(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    command = [sys.executable, str(FOLDER / "bench/speed/streams.py"), "varied", str(lines)]
    subprocess.run([*command, "15000"], check=True)
    answers = assert_both_ways_agree(lines.read_bytes().splitlines())
    assert {"known", "in_incident", "late", "unreadable"} < set(codes(answers))


@pytest.mark.parametrize("where", ["stacktrace", "chain", "tags"])
def test_what_is_malformed_is_unreadable_however_often_its_like_was_read(where: str) -> None:
    fields = {
        "stacktrace": [builders.frame()],
        "chain": [{"exception_type": "KeyError"}],
        "tags": {"order": "12"},
    }
    state = State()
    for seq in range(1, 5):
        answer(state, encode_lines([builders.event_entry(seq, seq, **fields)]))
    wrong = encode_lines([builders.event_entry(5, 5, **(fields | {where: 12}))])
    assert codes(answer(state, wrong)) == ["unreadable"]


def test_the_memo_of_traces_is_bounded() -> None:
    state = State()
    for seq in range(1, 400):
        frames = [builders.frame(function=f"{seq}_{n}" + "x" * 480) for n in range(100)]
        answer(state, encode_lines([builders.event_entry(seq, seq, stacktrace=frames)]))
    assert MAX_BYTES / 2 < state.traces.size_bytes <= 2 * MAX_BYTES


def test_the_memo_of_traces_keeps_what_was_used_of_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MAX_BYTES", 20_000)
    state = State()
    often = builders.event_entry(1, stacktrace=[builders.frame(function="often")])
    glimpse = traces.glance(encode_lines([often]))
    assert glimpse is not None
    answer(state, encode_lines([often]))
    for seq in range(2, 400):
        once = builders.event_entry(seq, seq, stacktrace=[builders.frame(function=f"once{seq}")])
        answer(state, encode_lines([once]))
        assert state.traces.find(glimpse) is not None
