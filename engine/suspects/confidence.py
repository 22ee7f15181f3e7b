"""Turn scores into calibrated probabilities: how often a suspect with this evidence is the culprit.

The commits of a window, and "none of them", share one probability by the softmax of their scores (a
conditional logit, McFadden 1974). Two numbers calibrate it: how far apart scores must be
(`TEMPERATURE`) and how much evidence there must be to believe in any of them (`NONE`). Both are
fitted by scripts/benchmarks/ranking on windows with and without their culprit, half and half.
docs/RANKING.md says how well that holds for projects that they were not fitted on.
"""

import math
from collections.abc import Sequence

TEMPERATURE = 0.65
NONE = -1.0
"""The score of "no commit of these windows is the cause", beside a single commit."""

CROWD = 0.5
""""None of them" grows by this power of the number of commits: among more commits, more look guilty
by chance. The power would be 1 if a big deploy were no likelier to hold the cause than a small one.
"""


def probabilities(
    scores: Sequence[float],
    commits: float,
    temperature: float = TEMPERATURE,
    none: float = NONE,
) -> list[float]:
    """Return each commit's probability to be the culprit; the rest to 1 is that none is.

    `commits` is the number of commits they were found among; those of an old deploy count for less.
    """
    top = max([none, *scores])
    weights = [math.exp((score - top) / temperature) for score in scores]
    nobody = math.exp((none - top) / temperature) * math.pow(max(1.0, commits), CROWD)
    total = math.fsum(weights) + nobody
    return [weight / total for weight in weights]
