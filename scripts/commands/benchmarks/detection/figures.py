"""Compute false alarms, recall and delays of a detector on simulated streams."""

from collections.abc import Iterable, Sequence
from statistics import median

from scripts.commands.benchmarks.detection.alarms import Alarm
from scripts.commands.benchmarks.detection.streams import (
    FACTORS,
    KINDS,
    SPIKE_KINDS,
    SPIKE_MIN,
    Kind,
    Simulated,
)

GRACE_MIN = 1
"""An alarm this many minutes after a spike still counts as one about it."""


class QuietFigures:
    """False alarms by kind and rate."""

    def __init__(self) -> None:
        self._cells: dict[tuple[Kind, float], tuple[int, float]] = {}

    def add(self, stream: Simulated, alarms: Sequence[Alarm]) -> None:
        """Count the alarms of one stream; all of them are false."""
        found, months = self._cells.get((stream.kind, stream.rate), (0, 0.0))
        self._cells[stream.kind, stream.rate] = found + len(alarms), months + stream.months

    def by_cell(self) -> dict[tuple[Kind, float], float]:
        """Return the false alarms per month of a stream, for each kind and rate."""
        return {cell: found / months for cell, (found, months) in self._cells.items()}

    def overall(self) -> float:
        """Return the mean of the cells; all weigh the same, however long they were simulated."""
        return _mean(self.by_cell().values())

    def lines(self) -> Iterable[str]:
        """Yield the table: alarms a month, and how many there were in how many months."""
        rates = sorted({rate for _, rate in self._cells})
        yield f"{'':<9}" + "".join(f"{f'{rate:g}/min':>24}" for rate in rates)
        for kind in KINDS:
            row = ""
            for rate in rates:
                found, months = self._cells.get((kind, rate), (0, 0.0))
                text = f"{found / months:.2f} ({found} in {months:.2g})" if months else "-"
                row += f"{text:>24}"
            yield f"{kind:<9}{row}"
        yield f"overall {self.overall():.3f}, each cell worth the same"


class _Cell:
    def __init__(self) -> None:
        self.spikes = 0
        self.delays_min: list[int] = []
        self.delays_events: list[int] = []
        self.outside = 0
        self.months = 0.0

    def __str__(self) -> str:
        if not self.delays_min:
            return "0% / - / -" if self.spikes else "-"
        return f"{self.recall:.0%} / {median(self.delays_min):g} / {median(self.delays_events):g}"

    @property
    def recall(self) -> float:
        return len(self.delays_min) / self.spikes if self.spikes else 0.0


class SpikeFigures:
    """Recall, delay and alarms outside spikes by kind, rate and factor."""

    def __init__(self) -> None:
        self._cells: dict[tuple[Kind, float, int], _Cell] = {}

    def add(self, stream: Simulated, alarms: Sequence[Alarm]) -> None:
        """Count what the alarms of one stream found. Only the first alarm of a spike counts."""
        cell = self._cells.setdefault((stream.kind, stream.rate, stream.factor), _Cell())
        counts = stream.series.counts
        cell.months += stream.months
        cell.spikes += len(stream.spikes)
        cell.outside += len(alarms)
        for start in stream.spikes:
            end = start + SPIKE_MIN + GRACE_MIN
            within = [alarm for alarm in alarms if start <= alarm.slot < end]
            cell.outside -= len(within)
            if within:
                first = within[0]
                cell.delays_min.append(first.slot - start)
                cell.delays_events.append(sum(counts[start : first.slot]) + first.nth)

    def recall(
        self, factor: int, rates: Iterable[float], kinds: Sequence[Kind] = SPIKE_KINDS
    ) -> float | None:
        """Return the share of spikes found at these base rates, in streams of these kinds."""
        cells = self._of(factor, rates, kinds)
        spikes = sum(cell.spikes for cell in cells)
        return sum(len(cell.delays_min) for cell in cells) / spikes if spikes else None

    def delay(self, factor: int, rate: float, kind: Kind) -> tuple[float, float] | None:
        """Return the median delay of the found spikes, in minutes and in events."""
        cells = self._of(factor, (rate,), (kind,))
        minutes = [delay for cell in cells for delay in cell.delays_min]
        events = [delay for cell in cells for delay in cell.delays_events]
        return (median(minutes), median(events)) if minutes else None

    def _of(self, factor: int, rates: Iterable[float], kinds: Sequence[Kind]) -> list[_Cell]:
        return [
            cell
            for (kind, rate, of_factor), cell in self._cells.items()
            if kind in kinds and rate in rates and of_factor == factor
        ]

    def lines(self) -> Iterable[str]:
        """Yield a table for each kind: recall, median delay in minutes and in events.

        The last column has the alarms outside spikes in a month.
        """
        for kind in SPIKE_KINDS:
            rates = sorted({rate for of_kind, rate, _ in self._cells if of_kind == kind})
            if not rates:
                continue
            columns = "".join(f"{f'x{factor}':>20}" for factor in FACTORS)
            yield f"{kind:<9}{columns}{'outside':>9}"
            for rate in rates:
                row = [self._cells.get((kind, rate, factor), _Cell()) for factor in FACTORS]
                months = sum(cell.months for cell in row)
                outside = sum(cell.outside for cell in row) / months if months else 0.0
                cells = "".join(f"{cell!s:>20}" for cell in row)
                yield f"{f'{rate:g}/min':<9}{cells}{outside:>9.2f}"


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0
