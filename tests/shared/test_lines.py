"""Lines are the same however the bytes arrive, and a line that is too long takes no memory."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from shared.lines import Lines, TooLong

CHUNKS = st.lists(st.text("ab\n", max_size=12).map(str.encode))


def all_lines(chunks: list[bytes], max_bytes: int) -> list[bytes | TooLong]:
    lines = Lines(max_bytes)
    return [line for chunk in chunks for line in lines.feed(chunk)] + lines.end()


@given(CHUNKS)
def test_the_cuts_between_chunks_change_nothing(chunks: list[bytes]) -> None:
    together = b"".join(chunks)
    expected = together.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert all_lines(chunks, 1_000) == expected
    assert all_lines([together], 1_000) == expected


@given(CHUNKS)
def test_of_a_line_over_the_limit_only_its_size_is_left(chunks: list[bytes]) -> None:
    expected = [
        TooLong(len(line)) if len(line) > 5 else line for line in b"".join(chunks).split(b"\n")
    ]
    if expected[-1] == b"":
        expected.pop()
    assert all_lines(chunks, 5) == expected


def test_a_line_of_100_mb_takes_no_more_memory_than_the_limit() -> None:
    lines = Lines(1_000_000)
    chunk = b"x" * 100_000
    tracemalloc.start()
    try:
        for _ in range(1_000):
            assert lines.feed(chunk) == []
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lines.feed(b"\nnext\n") == [TooLong(100_000_000), b"next"]
    assert peak_bytes < 2_000_000
