"""From scores to calibrated probabilities: how often is a suspect with this evidence the culprit?

The commits of a window, and "none of them", share one probability by the softmax of their scores
(a conditional logit, McFadden 1974). Two numbers calibrate it: how far apart scores must be
(`TEMPERATURE`) and how much evidence there must be to believe in any of them (`NONE`). Both
are fitted by scripts/benchmarks/ranking on windows with and without their culprit;
docs/RANKING.md has how well that holds for projects that they were not fitted on.
"""

import math
from collections.abc import Sequence

TEMPERATURE = 0.7
NONE = -0.2
"""The score of "no commit of these windows is the cause"."""


def probabilities(
    scores: Sequence[float], temperature: float = TEMPERATURE, none: float = NONE
) -> list[float]:
    """The probability of each commit to be the culprit; what is missing to 1 is that none is."""
    top = max([none, *scores])
    weights = [math.exp((score - top) / temperature) for score in scores]
    total = math.fsum(weights) + math.exp((none - top) / temperature)
    return [weight / total for weight in weights]
