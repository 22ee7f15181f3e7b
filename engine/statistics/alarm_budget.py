"""Tell how surprising a window must be to raise an alarm, from the false alarms that a team takes.

The team has one budget. It is spread over the streams that are alive, the minutes of a week, and
what is judged in each minute (Bonferroni): ten issues are watched sharply, and a thousand calmly.
"""

import math
from functools import lru_cache

from engine.statistics import negative_binomial
from engine.statistics.time_scales import WINDOWS

ALARMS_PER_WEEK = 1.0
"""The budget if nobody has set one."""

WEEK_MIN = 7 * 1440
ALIVE_S = 7 * 86_400.0

LOOKS = 4 * WINDOWS
"""What is judged in a minute: each window by all events and by evened ones, full and half full."""

MOST_PROBABLE = 0.01
"""However large the budget, what is not rarer than this is usual."""


def alive_now(alive: float, idle_s: float, age_s: float | None) -> float:
    """Return how many streams are alive when one of them has an event.

    A stream counts as exp(-age / a week), so that the sum and its time are enough to know: there
    were `alive` of them `idle_s` seconds ago. This one had its last event `age_s` seconds ago, or
    has its first.
    """
    own = 0.0 if age_s is None else math.exp(-age_s / ALIVE_S)
    return alive * math.exp(-idle_s / ALIVE_S) + 1.0 - own


@lru_cache(maxsize=1024)
def alarm_nats(streams: int, alarms_per_week: float = ALARMS_PER_WEEK) -> float:
    """Return the surprise in nats that raises an alarm where so many streams are watched."""
    looks = streams * WEEK_MIN * LOOKS
    return negative_binomial.surprise_of(min(alarms_per_week / looks, MOST_PROBABLE))
