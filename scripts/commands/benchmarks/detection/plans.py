"""How much is simulated, and what the figures must reach."""

from collections.abc import Iterator

from scripts.commands.benchmarks.detection.figures import QuietFigures, SpikeFigures
from scripts.commands.benchmarks.detection.streams import Plan

QUICK = (
    Plan(0.01, quiet_days=30, quiet_reps=3, spike_days=10, spike_reps=2),
    Plan(0.1, quiet_days=30, quiet_reps=3, spike_days=10, spike_reps=2),
    Plan(1, quiet_days=30, quiet_reps=1, spike_days=10, spike_reps=1),
    Plan(10, quiet_days=3, quiet_reps=1, spike_days=4, spike_reps=1, factors=(5, 10)),
)
DEFAULT = (
    Plan(0.01, quiet_days=30, quiet_reps=10, spike_days=10, spike_reps=6),
    Plan(0.1, quiet_days=30, quiet_reps=10, spike_days=10, spike_reps=6),
    Plan(1, quiet_days=30, quiet_reps=3, spike_days=10, spike_reps=2),
    Plan(10, quiet_days=30, quiet_reps=1, spike_days=5, spike_reps=1),
    Plan(100, quiet_days=3, quiet_reps=1, spike_days=3, spike_reps=1, factors=(5,)),
)
FULL = tuple(
    Plan(rate, quiet_days=30, quiet_reps=reps, spike_days=10, spike_reps=reps)
    for rate, reps in ((0.01, 20), (0.1, 20), (1, 8), (10, 2), (100, 1))
)
"""More than an hour: at 100 a minute, 32 million events are quiet and 30 million are in spikes."""


def quiet_targets(figures: QuietFigures) -> Iterator[str]:
    """Yield what the quiet streams must be like, and what they are."""
    cells = figures.by_cell()
    kind, rate = max(cells, key=lambda cell: cells[cell])
    yield f"wanted under 0.3 a month overall: {figures.overall():.3f}"
    yield f"wanted no cell above 2: the worst is {kind} at {rate:g}/min, {cells[kind, rate]:.2f}"


def spike_targets(figures: SpikeFigures) -> Iterator[str]:
    """Yield what must be found and how soon, and what was."""
    fives = (1.0, 10.0, 100.0)
    for factor, rates, wanted in ((5, fives, 0.98), (10, (0.1,), 0.6)):
        recall, worst = figures.recall(factor, rates), figures.lowest_recall(factor, rates)
        if recall is not None and worst is not None:
            bases = " and ".join(f"{rate:g}" for rate in rates)
            yield (
                f"wanted recall of x{factor} at {bases}/min at least {wanted:.0%}: "
                f"{recall:.1%}, of the worst kind and rate {worst:.1%}"
            )
    delay = figures.delay(10, 1.0)
    if delay is not None:
        yield (
            "wanted median delay of x10 at 1/min at most 1 minute and 20 events: "
            f"{delay[0]:g} and {delay[1]:g}"
        )
