"""Figures with intervals, by bootstrap over bugs, whose window sizes are not independent."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from scripts.commands.benchmarks.ranking.cases import Case

DRAWS = 1000
SEED = 1

METRICS: Mapping[str, Callable[[int | None], float]] = {
    "acc@1": lambda rank: float(rank is not None and rank <= 1),
    "acc@3": lambda rank: float(rank is not None and rank <= 3),
    "acc@5": lambda rank: float(rank is not None and rank <= 5),
    "MRR": lambda rank: 1 / rank if rank else 0.0,
}


class Interval(NamedTuple):
    """A figure with the middle 95 % of its values when bugs are drawn again."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.2f}, {self.high:.2f}]"


class Told(NamedTuple):
    """The first suspect of a case: how sure (0: nobody was named), and whether it was right."""

    case: Case
    confidence: float
    right: bool


def mean(rows: Iterable[tuple[str, float]]) -> Interval:
    """Return the mean of (bug, value) rows."""
    by_bug: dict[str, list[float]] = {}
    for bug, value in rows:
        by_bug.setdefault(bug, []).append(value)
    if not by_bug:
        return Interval(0.0, 0.0, 0.0)
    parts = [(sum(values), len(values)) for _, values in sorted(by_bug.items())]
    draw = random.Random(SEED)  # noqa: S311 - a bootstrap, not a secret
    means = sorted(_ratio(draw.choices(parts, k=len(parts))) for _ in range(DRAWS))
    return Interval(_ratio(parts), means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS)])


def _ratio(parts: Sequence[tuple[float, int]]) -> float:
    return sum(total for total, _ in parts) / sum(count for _, count in parts)


def rank_of(culprit: str, ranking: Sequence[str]) -> int | None:
    """Return the culprit's place, from 1, or None if it was not named."""
    return ranking.index(culprit) + 1 if culprit in ranking else None


def brier(told: Iterable[Told]) -> Interval:
    """Return the mean square of the confidence's error."""
    return mean((one.case.bug, (one.confidence - one.right) ** 2) for one in told)


def brier_gain(told: Sequence[Told]) -> Interval:
    """Return how much lower that is than for the constant right on average (better: > 0)."""
    constant = sum(one.right for one in told) / len(told)
    return mean(
        (one.case.bug, (constant - one.right) ** 2 - (one.confidence - one.right) ** 2)
        for one in told
    )


def reliability(told: Iterable[Told], width: float = 0.2) -> list[tuple[float, list[Told]]]:
    """Return the suspects by how sure they were, each bin with its lower edge."""
    bins: dict[int, list[Told]] = {}
    last = round(1 / width) - 1
    for one in told:
        bins.setdefault(min(int(one.confidence / width), last), []).append(one)
    return [(number * width, bins[number]) for number in sorted(bins)]
