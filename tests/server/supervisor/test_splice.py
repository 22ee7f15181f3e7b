"""The spliced line is the entry as it was accepted, with its number and its time."""

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from server.storage.journal.entry import JournalEntry
from server.storage.times import from_micros, to_micros
from server.supervisor.entry_lines import engine_lines, state_lines
from shared.pipe import MAX_SEQ, Entry, RestoredState, Settings, decode_inbound, encode_lines
from tests.builders import change_window_entry, deploy_entry, event_entry, resolve, silence

ENTRIES: list[Entry] = [
    event_entry(seq=None, received=None),
    event_entry(seq=None, received=None, message='quotes " and \\ and {"type":"tick"}\n,'),
    deploy_entry(seq=None, received=None),
    change_window_entry(seq=None, received=None),
    resolve(seq=None, received=None),
    silence(seq=None, received=None),
    Settings(),
    Settings(max_issues=5),
]
MOMENTS = st.integers(0, 2**52).map(from_micros)


@given(st.lists(st.tuples(st.sampled_from(ENTRIES), st.integers(1, MAX_SEQ), MOMENTS)))
def test_each_line_reads_as_its_entry_with_number_and_time(
    rows: list[tuple[Entry, int, datetime]],
) -> None:
    lines = engine_lines(
        [
            JournalEntry(seq, to_micros(received), encode_lines((entry,))[:-1])
            for entry, seq, received in rows
        ]
    )
    read = [decode_inbound(line) for line in lines.splitlines()]
    assert read == [
        msgspec.structs.replace(entry, seq=seq, received=received) for entry, seq, received in rows
    ]


def test_the_time_is_rfc_3339_in_utc() -> None:
    body = encode_lines((Settings(),))[:-1]
    micros = to_micros(datetime(2025, 3, 4, 9, 0, 0, 120_000, tzinfo=UTC))
    assert engine_lines([JournalEntry(7, micros, body)]) == (
        b'{"type":"settings","seq":7,"received":"2025-03-04T09:00:00.120000Z"}\n'
    )
    assert from_micros(micros).tzinfo is UTC


@given(st.lists(st.tuples(st.text(), st.recursive(st.none() | st.text(), st.lists))))
def test_each_state_reads_as_it_was_said(states: list[tuple[str, object]]) -> None:
    lines = state_lines([(key, msgspec.json.encode(value)) for key, value in states])
    read = [decode_inbound(line) for line in lines.split(b"\n")[:-1]]
    assert [
        (each.key, msgspec.json.decode(each.value))
        for each in read
        if isinstance(each, RestoredState)
    ] == states


def test_no_entries_are_no_lines() -> None:
    assert engine_lines([]) == b""
