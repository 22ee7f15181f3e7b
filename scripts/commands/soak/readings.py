"""What is read of the server while it runs, and how fast each of it grows."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from scripts.commands.benchmarks.proc import anonymous_bytes
from scripts.commands.chaos.server_process import Server

_LINE = "{name:32} {half:>9}  {end:>9}  {growth:>+8.1%}"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the server."""

    minutes: float
    """Since the beginning."""
    server_mb: float
    engine_mb: float
    """Each without the files that it has mapped, which other processes share."""
    descriptors: int
    """Files, pipes and connections that the server has open."""
    journal_mb: float
    database_mb: float
    """Each with its write-ahead log."""
    slowest_ms: float
    """The slowest answer to a webhook since the last look."""


MEASURED: dict[str, Callable[[Reading], float]] = {
    "memory of the server, MB": lambda reading: reading.server_mb,
    "memory of the engine, MB": lambda reading: reading.engine_mb,
    "descriptors of the server": lambda reading: reading.descriptors,
    "the journal's file, MB": lambda reading: reading.journal_mb,
    "the main database's file, MB": lambda reading: reading.database_mb,
}


def look(server: Server, minutes: float, slowest_ms: float) -> Reading:
    """Look at the server and its files now."""
    pid = server.pid
    return Reading(
        minutes=minutes,
        server_mb=anonymous_bytes(pid) / 1e6 if pid else 0.0,
        engine_mb=sum(anonymous_bytes(each) for each in server.engines()) / 1e6,
        descriptors=sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()) if pid else 0,
        journal_mb=_size_mb(server.journal),
        database_mb=_size_mb(server.database),
        slowest_ms=slowest_ms,
    )


def growth(readings: Sequence[Reading]) -> str:
    """Return a table: the mean of the third and the last quarter, and the growth an hour.

    The growth is the slope of a line through the second half, as a share of that half's mean.
    """
    half = readings[len(readings) // 2 :]
    middle = len(half) // 2
    lines = [f"{'':32} {'3rd quart.':>9}  {'4th':>9}  {'an hour':>8}"]
    for name, measured in MEASURED.items():
        values = [measured(reading) for reading in half]
        slope = statistics.linear_regression([each.minutes for each in half], values).slope
        third, fourth = statistics.mean(values[:middle]), statistics.mean(values[middle:])
        lines.append(
            _LINE.format(
                name=name,
                half=f"{third:.1f}",
                end=f"{fourth:.1f}",
                growth=60 * slope / statistics.mean(values),
            )
        )
    return "\n".join(lines)


def _size_mb(path: Path) -> float:
    both = path, path.with_name(f"{path.name}-wal")
    return sum(each.stat().st_size for each in both if each.exists()) / 1e6
