"""Measure what each constant of the score is worth: the figures without it."""

import math
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from engine.suspects.confidence import NONE, TEMPERATURE, probabilities
from engine.suspects.score import WEIGHTS, Weights
from scripts.commands.benchmarks.ranking.cases import Question
from scripts.commands.benchmarks.ranking.rules import scores

WITHOUT: Mapping[str, Weights] = {
    "all of them": WEIGHTS,
    "decay: all places alike": replace(WEIGHTS, decay=1.0),
    "same_function": replace(WEIGHTS, same_function=1.0),
    "rarity": replace(WEIGHTS, rarity=0.0),
    "breadth": replace(WEIGHTS, breadth=0.0),
    "elsewhere: next to none": replace(WEIGHTS, elsewhere=0.001),
    "words": replace(WEIGHTS, words=0.0),
    "idle": replace(WEIGHTS, idle=1.0),
    "size": replace(WEIGHTS, size=0.0),
    "size and breadth": replace(WEIGHTS, size=0.0, breadth=0.0),
}

STEADY = ("decay", "same_function", "rarity", "breadth", "elsewhere", "words", "size", "idle")
"""The constants that are varied; these cases have none of age, release and hints."""


def varied(name: str, factor: float) -> Weights:
    """Return the weights with one constant multiplied; for the decay, what it takes away."""
    value: float = getattr(WEIGHTS, name)
    changed = 1 - (1 - value) * factor if name == "decay" else value * factor
    return replace(WEIGHTS, **{name: changed})


class Scored:
    """The scores of one question's commits, best first, and which of them is the culprit's."""

    def __init__(self, asked: Question, weights: Weights = WEIGHTS) -> None:
        ranked = scores(asked.event, weights)
        self.case = asked.case
        self.ids = [commit_id for commit_id, _ in ranked]
        self.scores = [score for _, score in ranked]
        self.right = self.ids.index(asked.case.culprit) if asked.culprit_there else None


def surprise(
    all_scored: Sequence[Scored], temperature: float = TEMPERATURE, none: float = NONE
) -> float:
    """Return the mean negative logarithm of the probability given to what was the case."""
    total = 0.0
    for scored in all_scored:
        chances = probabilities(scored.scores, len(scored.scores), temperature, none)
        truth = 1 - sum(chances) if scored.right is None else chances[scored.right]
        total -= math.log(max(truth, 1e-9))
    return total / len(all_scored)


def calibrate(all_scored: Sequence[Scored]) -> tuple[float, float]:
    """Return the temperature and the score of "none" with the least surprise, on a grid."""
    grid = [
        (temperature / 20, none / 10) for temperature in range(8, 25) for none in range(-30, 11)
    ]
    return min(grid, key=lambda pair: surprise(all_scored, *pair))
