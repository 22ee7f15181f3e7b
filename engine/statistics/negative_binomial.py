"""Tell how improbable a count is: the upper tail of the negative binomial, in closed form.

A count with mean m and shape r has the variance m + m*m/r; r without bound is Poisson. Its
large-deviation rate (Cramer; the half of the unit deviance of McCullagh and Nelder, Generalized
Linear Models, 2nd ed., section 8.1 and chapter 11) is, for x > m,

    I(x) = x ln(x/m) - (x + r) ln((x + r)/(m + r))

and ln P(X >= x) is about -I - ln(4 pi I)/2, the normal tail at z = sqrt(2 I) (Lugannani and Rice,
1980, first term). This takes a few logarithms and no sum over the tail: the cost does not depend on
x.
"""

import math

_FOUR_PI = 4.0 * math.pi


def surprise(count: float, mean: float, shape: float) -> float:
    """Return I(count) in nats; 0 if the count is not above the mean."""
    if count <= mean:
        return 0.0
    return count * math.log(count / mean) - (count + shape) * math.log(
        (count + shape) / (mean + shape)
    )


def log_tail(surprise_nats: float) -> float:
    """Return the logarithm of P(X >= count) for a count with this surprise; never above 0."""
    return -surprise_nats - 0.5 * math.log(max(_FOUR_PI * surprise_nats, 1.0))


def surprise_of(probability: float) -> float:
    """Return the surprise in nats that a tail probability (below 0.1) needs; inverts `log_tail`."""
    wanted = -math.log(probability)
    nats = wanted
    # Each turn brings at least another digit.
    for _ in range(12):
        nats = wanted - 0.5 * math.log(max(_FOUR_PI * nats, 1.0))
    return nats


def count_for(nats: float, mean: float, shape: float) -> float:
    """Return the count of surprise `nats`: Newton from above, where I is convex and rising."""
    count = mean + nats + 1.0
    while surprise(count, mean, shape) < nats:
        count *= 2.0
    for _ in range(40):
        slope = math.log(count * (mean + shape) / (mean * (count + shape)))
        step = (surprise(count, mean, shape) - nats) / slope
        count -= step
        if step <= 1e-6 * count:
            break
    return count


def poisson_surprise(count: float, mean: float) -> float:
    """Return the surprise in nats where r is without bound; no other shape has more."""
    return count * math.log(count / mean) - count + mean if count > mean else 0.0
