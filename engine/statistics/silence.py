"""Decide whether a silence is far longer than an issue's habit: its gaps, and its active hours.

A silence is unusual if it is at least an hour and five times the longest gap of the last weeks,
both by the wall clock and counted only over the hours in which the issue happens at all. So
silences are normal for an error that comes each hour, each night or on working days: for a
working-day error, no hour is missed at night. Hours are those of the UTC day, separate for working
days and weekends: 48 bits. There are two generations of all this, the running fortnight and the one
before. So what has not been seen for a month is forgotten, and the size is constant.
"""

import struct

import msgspec

HOUR_S = 3600.0
DAY_S = 86400.0

SHORTEST_SILENCE_S = HOUR_S
"""A silence under an hour never means the end of an error."""

FAR_LONGER = 5.0
"""Times the longest gap. Of n exponential gaps and one more, the last is five times the longest of
the others with probability n!5!/(n+5)!: 1 in 3003 for ten. And a first weekend (64 h) is not five
times the longest night of a working-day error (16 h)."""

KNOWN_GAPS = 10
"""Minutes with events that make a habit; retries within one minute do not."""

GENERATION_S = 14 * DAY_S
"""Two working weeks: memory always holds the longest gap of a weekly rhythm."""


class Habit(msgspec.Struct, array_like=True):
    """The state of one issue's gaps: `_Memory`, packed, because a float object costs 24 bytes."""

    packed: bytes


class SilenceReading(msgspec.Struct, frozen=True):
    """A silence beside the habit. The `active` ones count only hours in which the issue happens."""

    unusual: bool
    silence_s: float
    longest_s: float
    active_silence_s: float
    longest_active_s: float
    known_gaps: int


class _Memory(msgspec.Struct):
    last_seen_s: float
    generation_s: float
    watched_s: float
    longest_s: float
    longest_before_s: float
    active_s: float
    active_before_s: float
    gaps: int
    hours: int
    hours_before: int


_LAYOUT = struct.Struct("<7dQQQ")


def new_habit(at_s: float) -> Habit:
    """Return the habit of an issue whose first event is at `at_s` (event time, epoch seconds)."""
    memory = _Memory(at_s, at_s, 0.0, 0.0, 0.0, 0.0, 0.0, 0, _slot(at_s), 0)
    return Habit(_LAYOUT.pack(*msgspec.structs.astuple(memory)))


def add_gap(habit: Habit, at_s: float) -> None:
    """Note the event at `at_s` and the gap before it; an event before the last one makes no gap."""
    memory = _read(habit)
    gap_s = at_s - memory.last_seen_s
    if gap_s <= 0.0:
        return
    if at_s - memory.generation_s >= GENERATION_S:
        _turn_generation(memory, at_s)
    active_s = gap_s
    if gap_s >= SHORTEST_SILENCE_S:
        active_s = _active_silence(memory, gap_s, at_s)
    memory.longest_s = max(memory.longest_s, gap_s)
    memory.active_s = max(memory.active_s, active_s)
    memory.gaps += at_s // 60.0 != memory.last_seen_s // 60.0
    memory.watched_s += gap_s
    memory.hours |= _slot(at_s)
    memory.last_seen_s = at_s
    habit.packed = _LAYOUT.pack(*msgspec.structs.astuple(memory))


def is_unusual_silence(habit: Habit, last_seen_s: float, at_s: float) -> SilenceReading:
    """Judge the silence from `last_seen_s` to `at_s`, before its end is noted."""
    memory = _read(habit)
    silence_s = max(at_s - last_seen_s, 0.0)
    longest_s = max(memory.longest_s, memory.longest_before_s)
    longest_active_s = max(memory.active_s, memory.active_before_s)
    active_silence_s = _active_silence(memory, silence_s, at_s)
    return SilenceReading(
        unusual=(
            memory.gaps >= KNOWN_GAPS
            and memory.watched_s >= SHORTEST_SILENCE_S
            and silence_s >= max(SHORTEST_SILENCE_S, FAR_LONGER * longest_s)
            and active_silence_s >= max(SHORTEST_SILENCE_S, FAR_LONGER * longest_active_s)
        ),
        silence_s=silence_s,
        longest_s=longest_s,
        active_silence_s=active_silence_s,
        longest_active_s=longest_active_s,
        known_gaps=memory.gaps,
    )


def _read(habit: Habit) -> _Memory:
    return _Memory(*_LAYOUT.unpack(habit.packed))


def _turn_generation(memory: _Memory, at_s: float) -> None:
    memory.generation_s = at_s
    memory.longest_before_s, memory.longest_s = memory.longest_s, 0.0
    memory.active_before_s, memory.active_s = memory.active_s, 0.0
    memory.hours_before, memory.hours = memory.hours, 0


def _day(at_s: float) -> int:
    return int(at_s // DAY_S)


def _is_weekend(day: int) -> bool:
    """Return whether it is a weekend: 1 January 1970 was a Thursday, so days 2 and 3 were one."""
    return day % 7 in (2, 3)


def _slot(at_s: float) -> int:
    """Return the bit of an hour: 0-23 on working days, 24-47 on weekends, by UTC."""
    day = _day(at_s)
    return 1 << (int(at_s - day * DAY_S) // 3600 + 24 * _is_weekend(day))


def _active_silence(memory: _Memory, gap_s: float, at_s: float) -> float:
    """Return how many seconds of the gap that ends at `at_s` were in hours of activity.

    A gap below an hour counts in full. Whole weeks are multiplied, so that no gap takes long to
    count.
    """
    if gap_s < SHORTEST_SILENCE_S:
        return gap_s
    hours = memory.hours | memory.hours_before
    by_day = (hours & 0xFFFFFF, hours >> 24)
    weeks, rest_s = divmod(gap_s, 7 * DAY_S)
    silent_s = weeks * HOUR_S * (5 * by_day[0].bit_count() + 2 * by_day[1].bit_count())
    begin_s = at_s - rest_s
    for day in range(_day(begin_s), _day(at_s) + 1):
        bits = by_day[_is_weekend(day)]
        from_s = max(begin_s - day * DAY_S, 0.0)
        to_s = min(at_s - day * DAY_S, DAY_S)
        silent_s += _active_until(bits, to_s) - _active_until(bits, from_s)
    return silent_s


def _active_until(bits: int, into_day_s: float) -> float:
    """Return the seconds of active hours in the first `into_day_s` of a day with these bits."""
    hour, rest_s = divmod(into_day_s, HOUR_S)
    whole = bits & ((1 << int(hour)) - 1)
    running = bits >> int(hour) & 1
    return whole.bit_count() * HOUR_S + running * rest_s
