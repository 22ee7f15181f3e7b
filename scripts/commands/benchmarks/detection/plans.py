"""How much is simulated, and what the figures must reach."""

from collections.abc import Iterator

from scripts.commands.benchmarks.detection.figures import QuietFigures, SpikeFigures
from scripts.commands.benchmarks.detection.streams import Kind, Plan

QUICK = (
    Plan(0.01, quiet_days=30, quiet_reps=3, spike_reps=11),
    Plan(0.1, quiet_days=30, quiet_reps=3, spike_reps=11),
    Plan(1, quiet_days=30, quiet_reps=1, spike_reps=6),
    Plan(10, quiet_days=3, quiet_reps=1, spike_reps=2, factors=(5, 10)),
)
DEFAULT = (
    Plan(0.01, quiet_days=30, quiet_reps=10, spike_reps=32),
    Plan(0.1, quiet_days=30, quiet_reps=10, spike_reps=32),
    Plan(1, quiet_days=30, quiet_reps=3, spike_reps=11),
    Plan(10, quiet_days=30, quiet_reps=1, spike_reps=3),
    Plan(100, quiet_days=3, quiet_reps=1, spike_reps=1, factors=(5,)),
)
FULL = tuple(
    Plan(rate, quiet_days=30, quiet_reps=reps, spike_reps=5 * reps)
    for rate, reps in ((0.01, 20), (0.1, 20), (1, 8), (10, 2), (100, 1))
)
"""More than an hour: at 100 a minute, 32 million events are quiet and 30 million are in spikes."""

BUDGET_ISSUES = (1, 10, 200, 2_000)
BUDGET_RATES = (0.1, 1.0)
BUDGET_FACTORS = (5, 10, 30)
BUDGET = tuple(
    Plan(rate, quiet_days=0, quiet_reps=0, spike_reps=11, factors=BUDGET_FACTORS)
    for rate in BUDGET_RATES
)


def quiet_targets(figures: QuietFigures) -> Iterator[str]:
    """Yield what the quiet streams must be like, and what they are."""
    cells = figures.by_cell()
    kind, rate = max(cells, key=lambda cell: cells[cell])
    yield f"wanted under 0.3 a month overall: {figures.overall():.3f}"
    yield f"wanted no cell above 2: the worst is {kind} at {rate:g}/min, {cells[kind, rate]:.2f}"


FIVE_TIMES: tuple[tuple[Kind, float], ...] = (("poisson", 0.98), ("negbin", 0.9), ("traced", 0.85))
TEN_TIMES: tuple[tuple[Kind, float], ...] = (("poisson", 1), ("negbin", 5))


def spike_targets(figures: SpikeFigures) -> Iterator[str]:
    """Yield what must be found and how soon, and what was."""
    for kind, wanted in FIVE_TIMES:
        recall = figures.recall(5, (1.0, 10.0, 100.0), (kind,))
        if recall is not None:
            yield (
                f"wanted recall of x5 at 1/min and more, {kind}, at least {wanted:.0%}: "
                f"{recall:.0%}"
            )
    for kind, minutes in TEN_TIMES:
        delay = figures.delay(10, 1.0, kind)
        if delay is not None:
            yield (
                f"wanted median delay of x10 at 1/min, {kind}, at most {minutes:g} min: "
                f"{delay[0]:g}, in events {delay[1]:g}"
            )
