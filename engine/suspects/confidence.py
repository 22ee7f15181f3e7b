"""From scores to calibrated probabilities: how often is a suspect with this evidence the culprit?

The commits of a window, and "none of them", share one probability by the softmax of their scores
(a conditional logit, McFadden 1974). Two numbers calibrate it: how far apart scores must be
(`TEMPERATURE`) and how much evidence there must be to believe in any of them (`NONE`). Both
are fitted by scripts/benchmarks/ranking on windows with and without their culprit, half and half;
docs/RANKING.md has how well that holds for projects that they were not fitted on.
"""

import math
from collections.abc import Sequence

TEMPERATURE = 0.65
NONE = -1.2
"""The score of "no commit of these windows is the cause", beside a single commit."""

CROWD = 0.5
"""The power of the number of commits by which "none of them" grows: among more commits, more
look guilty by chance. It would be 1 if a big deploy were no likelier to hold the cause than a
small one."""


def probabilities(
    scores: Sequence[float],
    commits: float,
    temperature: float = TEMPERATURE,
    none: float = NONE,
) -> list[float]:
    """The probability of each commit to be the culprit; what is missing to 1 is that none is.

    `commits` is among how many they were found, where an old deploy's count for less.
    """
    top = max([none, *scores])
    weights = [math.exp((score - top) / temperature) for score in scores]
    nobody = math.exp((none - top) / temperature) * math.pow(max(1.0, commits), CROWD)
    total = math.fsum(weights) + nobody
    return [weight / total for weight in weights]
