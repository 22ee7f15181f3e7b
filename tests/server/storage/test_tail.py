"""The newest entries in memory are those of the file."""

from hypothesis import given
from hypothesis import strategies as st

from server.storage.journal.entry import JournalEntry
from server.storage.journal.recent import Tail


def entries(first: int, sizes: list[int]) -> list[JournalEntry]:
    return [JournalEntry(first + n, 0, b"x" * size) for n, size in enumerate(sizes)]


@given(
    st.lists(st.lists(st.integers(0, 50), max_size=10), max_size=10),
    st.integers(0, 60),
    st.integers(1, 20),
    st.integers(0, 300),
)
def test_what_it_gives_is_what_was_added(
    groups: list[list[int]], after: int, limit: int, max_bytes: int
) -> None:
    tail = Tail(200)
    everything: list[JournalEntry] = []
    for sizes in groups:
        added = entries(len(everything) + 1, sizes)
        everything.extend(added)
        tail.add(added)
    found = tail.read(after, limit, max_bytes)
    if found is None:
        return
    assert found == everything[after : after + len(found)]
    assert 1 <= len(found) <= limit
    assert len(found) == 1 or sum(len(each.body) for each in found) <= max_bytes


def test_it_keeps_no_more_than_its_bound() -> None:
    tail = Tail(100)
    tail.add(entries(1, [40, 40, 40]))
    assert tail.read(0, 1, 1) is None
    assert tail.read(1, 9, 999) == entries(2, [40, 40])


def test_up_to_its_bound_it_keeps_everything() -> None:
    tail = Tail(100)
    tail.add(entries(1, [60, 40]))
    assert tail.read(0, 9, 999) == entries(1, [60, 40])


def test_a_single_entry_over_the_bound_is_left_to_the_file() -> None:
    tail = Tail(100)
    tail.add(entries(1, [101]))
    assert tail.read(0, 1, 1) is None
    tail.add(entries(2, [5]))
    assert tail.read(1, 1, 1) == entries(2, [5])


def test_a_gap_makes_it_forget_what_was_before() -> None:
    tail = Tail(100)
    tail.add(entries(1, [10, 10]))
    tail.add(entries(5, [10]))
    assert tail.read(0, 9, 999) is None
    assert tail.read(4, 9, 999) == entries(5, [10])
