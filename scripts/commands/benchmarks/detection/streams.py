"""Simulate streams of one error whose spikes are known: counts by minute.

They are seeded by their name, so that a stream is the same whichever others are requested.
"""

import math
import random
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from scripts.commands.benchmarks.detection.alarms import Series

Kind = Literal["poisson", "negbin", "daily", "retry", "traced", "ramp"]
KINDS: tuple[Kind, ...] = ("poisson", "negbin", "daily", "retry", "traced", "ramp")
SPIKE_KINDS: tuple[Kind, ...] = ("poisson", "negbin", "retry", "traced")
FACTORS = (2, 3, 5, 10, 30)

DAY_MIN = 1440
MONTH_MIN = 30 * DAY_MIN
SPIKE_MIN = 30
WARM_DAYS = 2
"""Days without a spike at the beginning of a stream with spikes."""

HALF_DAY_MIN = 720
"""One spike begins in the first half of each half day: two a day, at least six hours apart."""

SPIKES_A_STREAM = 3
"""One more in the same fortnight would be the stream's way of life."""

SPIKE_STREAM_MIN = WARM_DAYS * DAY_MIN + SPIKES_A_STREAM * HALF_DAY_MIN

MOST_TRIES = 9
_LIKELY_AGAIN = 0.86
_TRIES = [_LIKELY_AGAIN**number for number in range(MOST_TRIES)]
MEAN_TRIES = sum(n * w for n, w in enumerate(_TRIES, start=1)) / sum(_TRIES)
"""The mean size of a cluster of retries: 4.02."""

_MOST_AT_ONCE = 500.0
"""exp(-745) is 0, so a larger mean is drawn in parts."""

BEGINS = 1_767_571_200.0
"""Monday 2026-01-05, 00:00 UTC."""


class Plan(msgspec.Struct, frozen=True):
    """How much of one base rate (a minute) is simulated."""

    rate: float
    quiet_days: int
    quiet_reps: int
    spike_reps: int
    factors: tuple[int, ...] = FACTORS


class Simulated(msgspec.Struct, frozen=True):
    """A stream with the minutes in which its spikes begin."""

    series: Series
    kind: Kind
    rate: float
    factor: int = 1
    spikes: tuple[int, ...] = ()

    @property
    def months(self) -> float:
        """Return its length in months of 30 days."""
        return len(self.series.counts) / MONTH_MIN


def quiet_streams(plans: Iterable[Plan], seed: int) -> Iterator[Simulated]:
    """Yield streams in which no alarm is right."""
    for plan in plans:
        for kind in KINDS:
            for number in range(plan.quiet_reps):
                name = f"quiet-{kind}-{plan.rate:g}-{number}"
                draw = _draw(seed, name)
                counts = simulate(kind, plan.rate, plan.quiet_days * DAY_MIN, draw)
                yield Simulated(Series(name, BEGINS, 60.0, counts), kind, plan.rate)


def spike_streams(plans: Iterable[Plan], seed: int) -> Iterator[Simulated]:
    """Yield streams with about two spikes a day from the third day on."""
    for plan in plans:
        for kind in SPIKE_KINDS:
            for factor in plan.factors:
                for number in range(plan.spike_reps):
                    name = f"spikes-{kind}-{plan.rate:g}-x{factor}-{number}"
                    draw = _draw(seed, name)
                    spikes = tuple(
                        half + draw.randrange(HALF_DAY_MIN // 2)
                        for half in range(WARM_DAYS * DAY_MIN, SPIKE_STREAM_MIN, HALF_DAY_MIN)
                    )
                    counts = simulate(kind, plan.rate, SPIKE_STREAM_MIN, draw, spikes, factor)
                    series = Series(name, BEGINS, 60.0, counts)
                    yield Simulated(series, kind, plan.rate, factor, spikes)


def simulate(
    kind: Kind,
    rate: float,
    minutes: int,
    draw: random.Random,
    spikes: Iterable[int] = (),
    factor: int = 1,
) -> list[int]:
    """Return the count of each minute."""
    raised = {minute for start in spikes for minute in range(start, start + SPIKE_MIN)}
    means = (
        usual_rate(kind, rate, minute) * (factor if minute in raised else 1)
        for minute in range(minutes)
    )
    if kind in ("retry", "traced"):
        return _with_retries(means, minutes, draw, traced=kind == "traced")
    if kind == "negbin":
        # A gamma of shape 2 and mean 1 has variance 1/2, so a count has mean + mean^2/2.
        return [poisson(mean * draw.gammavariate(2.0, 0.5), draw) for mean in means]
    return [poisson(mean, draw) for mean in means]


def usual_rate(kind: Kind, rate: float, minute: int) -> float:
    """Return the mean of a minute without a spike; a ramp rises to 8x in half a month, and back."""
    match kind:
        case "daily":
            return rate * (1.0 + 0.9 * math.sin(2.0 * math.pi * minute / DAY_MIN))
        case "ramp":
            half = MONTH_MIN / 2.0
            return rate * math.pow(8.0, 1.0 - abs(minute % MONTH_MIN - half) / half)
        case _:
            return rate


def poisson(mean: float, draw: random.Random) -> int:
    """Draw a Poisson number, by Knuth's product of uniform ones."""
    number = 0
    while mean > _MOST_AT_ONCE:
        number += poisson(_MOST_AT_ONCE, draw)
        mean -= _MOST_AT_ONCE
    limit, product = math.exp(-mean), draw.random()
    while product > limit:
        number += 1
        product *= draw.random()
    return number


def _with_retries(
    means: Iterable[float], minutes: int, draw: random.Random, *, traced: bool
) -> list[int]:
    """Draw clusters of 1 to 9 events; the retries come within the minute after the first try.

    If they are traced, a cluster counts once, as in the engine.
    """
    counts = [0] * (minutes + 2)
    sizes = range(1, MOST_TRIES + 1)
    for minute, mean in enumerate(means):
        for _ in range(poisson(mean / MEAN_TRIES, draw)):
            began = draw.random()
            retries = draw.choices(sizes, _TRIES)[0] - 1
            counts[minute] += 1
            for _ in range(retries):
                counts[minute + int(began + draw.random())] += not traced
    return counts[:minutes]


def _draw(seed: int, name: str) -> random.Random:
    return random.Random(f"{seed}:{name}")  # noqa: S311 - a simulation, not a secret
