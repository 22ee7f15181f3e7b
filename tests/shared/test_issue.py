"""The newest events of an issue, packed."""

from hypothesis import given
from hypothesis import strategies as st

from shared.issue import add_newest, newest_events


@given(st.lists(st.integers(1, 2**48 - 1), max_size=30))
def test_the_newest_ten_come_back_newest_first(seqs: list[int]) -> None:
    newest = b""
    for seq in seqs:
        newest = add_newest(newest, seq)
    assert newest_events(newest) == seqs[::-1][:10]
