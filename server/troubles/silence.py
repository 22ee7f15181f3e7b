"""Tell whether a source that has a rhythm has stopped sending. Pure.

A source is compared with itself: the minutes since its last webhook with the same minutes of the
last weeks. It is silent when in each of those weeks it sent something in many of these minutes, and
the pause is far longer than the longest at that time. So hours and weekdays are learned, a source
without a rhythm is never silent, and minutes in which PushLog itself did not run do not count.

Minutes are bits of a whole number, the first the lowest: all of it takes some microseconds.
"""

WEEK = 7 * 24 * 60
WEEKS = 4
FEWEST_WEEKS = 3

EXPECTED = 15
"""In how many of the minutes a source must have sent something in each week. If they were
independent, and one in e^15 by chance, that would be one false alarm in millennia. They are not."""

TIMES_LONGER = 4
"""How many times as long as the longest pause at that time a pause must be. What comes in bursts
has pauses of any length, and an office that closes for a day has one of 40 hours instead of 15."""

SHIFT = 60
"""The same holds an hour earlier and later: clocks are changed twice a year."""


def is_silent(active: int, up: int, now: int) -> bool:
    """Return whether the source is silent in minute `now`.

    Bit `i` of `active` is set if it sent something in minute `i`, and of `up` if PushLog ran.
    """
    if not active:
        return False
    first, last = (active & -active).bit_length() - 1, active.bit_length() - 1
    # After a week, the comparison would be with the silence itself.
    length = min(now - last - 1, WEEK)
    missed = (up >> (last + 1)) & ((1 << max(0, length)) - 1)
    if missed.bit_count() < EXPECTED:
        return False
    longest = 0
    for week in range(1, WEEKS + 1):
        start = last + 1 - week * WEEK
        if start - SHIFT < first:
            if week <= FEWEST_WEEKS:
                return False
            break
        for shift in (-SHIFT, 0, SHIFT):
            if ((active >> (start + shift)) & missed).bit_count() < EXPECTED:
                return False
        around = length + 2 * SHIFT
        longest = max(longest, _longest_pause(active >> (start - SHIFT), around))
    return missed.bit_count() > TIMES_LONGER * longest


def _longest_pause(active: int, length: int) -> int:
    """Return the longest run of minutes without a webhook among the first `length`."""
    minutes = f"{active & ((1 << length) - 1):0{length}b}"
    return max(map(len, minutes.split("1")))
