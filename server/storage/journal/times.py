"""Finds entries by their stamp without an index: stamps never go back as numbers grow."""

from collections.abc import Callable, Sequence

Row = tuple[int, int]
"""An entry's `seq` and `received`."""


def seqs_before(
    moments: Sequence[int], first: Row, last_seq: int, at_or_after: Callable[[int], Row]
) -> list[int | None]:
    """Return the last number given out before each of `moments` (microseconds, ascending).

    `first` is the oldest entry that is kept, and `at_or_after` finds the first entry from a number
    on. The result is None for a time whose entries are no longer kept.
    """
    found: list[int | None] = []
    low = first[0] - 1
    for moment in moments:
        if low < first[0] and first[0] > 1 and first[1] >= moment:
            found.append(None)
            continue
        high = last_seq
        while low < high:
            middle = (low + high + 1) // 2
            seq, received = at_or_after(middle)
            if seq <= high and received < moment:
                low = seq
            else:
                high = middle - 1
        found.append(low)
    return found
