"""Draws the last day of an incident as 24 small bars, for the list. Pure."""

from collections.abc import Sequence

import msgspec

from server.wording.numbers import say_number

WIDTH, HEIGHT = 72, 18
_STEP = 3
_LEAST_BAR = 1.5


class Spark(msgspec.Struct, frozen=True):
    """The bars as places from the left with their heights, and all of it in words."""

    bars: list[tuple[int, float]]
    words: str


def draw_spark(hours: Sequence[int]) -> Spark | None:
    """Return the bars of `hours`, events in each of 24; None where there are none."""
    most = max(hours)
    if most == 0:
        return None
    bars = [
        (at * _STEP, round(max(_LEAST_BAR, events / most * HEIGHT), 1))
        for at, events in enumerate(hours)
        if events
    ]
    total = sum(hours)
    counted = f"{say_number(total)} event{'' if total == 1 else 's'}"
    return Spark(bars, f"{counted} in the last day, at most {say_number(most)} in an hour")
