"""Measures how long an append to the journal takes while old events are removed, and while not.

A journal is filled with old events of about 2 kB. Then one event after the other is appended at a
steady pace: first alone, then while retention removes everything that is old and gives its space
back to the file system. Each round has a journal of its own. The table shows milliseconds until an
event is on the disk, over all rounds, and in the last line the ratios.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from server.process.metrics import Metrics
from server.settings.settings import read_settings
from server.storage.database import Database, migrate, open_database
from server.storage.journal.clock import monotonic_micros, wall_micros
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import checkpoints
from server.storage.retention import DAY_US, Retention
from shared.pipe import EventEntry

_AT_ONCE = 500
_PACE_S = 0.002
_OLD_DAYS = 31

_LINE = "{name:10} {count:8,} appends  {p50:8.2f}  {p99:8.2f}  {worst:8.2f}"


class Latencies(msgspec.Struct):
    """How long each append took, in milliseconds."""

    took: list[float] = []

    def quantile(self, share: float) -> float:
        """Return what `share` of the appends did not exceed."""
        return sorted(self.took)[min(int(len(self.took) * share), len(self.took) - 1)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}\n")
    alone, beside = Latencies(), Latencies()
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="pushlog-retention-") as folder:
            asyncio.run(_round(Path(folder), options.events, alone, beside))
    print(f"{'ms':10} {'':16}  {'p50':>8}  {'p99':>8}  {'worst':>8}")
    for name, found in (("alone", alone), ("retention", beside)):
        print(_line(name, found))
    p50, p99, worst = (beside.quantile(each) / alone.quantile(each) for each in (0.5, 0.99, 1.0))
    print(f"{'ratio':27}  {p50:8.2f}  {p99:8.2f}  {worst:8.2f}")
    return 0


async def _round(folder: Path, events: int, alone: Latencies, beside: Latencies) -> None:
    path, shift_us = folder / "pushlog.db", [-_OLD_DAYS * DAY_US]
    migrate(path)
    async with (
        open_database(path) as database,
        open_journal(
            folder / "journal.db",
            wall=lambda: wall_micros() + shift_us[0],
            monotonic=lambda: monotonic_micros() + shift_us[0],
        ) as journal,
    ):
        for _ in range(0, events, _AT_ONCE):
            await journal.append([_event()] * _AT_ONCE, None)
        shift_us[0] = 0
        await _append_while(journal, alone, asyncio.create_task(asyncio.sleep(5)))
        await _append_while(journal, beside, asyncio.create_task(_remove(journal, database)))


async def _append_while(
    journal: Journal, latencies: Latencies, running: "asyncio.Task[None]"
) -> None:
    while not running.done():
        started = time.perf_counter()
        await journal.append([_event()], None)
        latencies.took.append(1000 * (time.perf_counter() - started))
        await asyncio.sleep(_PACE_S)
    await running


async def _remove(journal: Journal, database: Database) -> None:
    async with database.write() as tx:
        await checkpoints.store(tx, journal.last_seq, [])
    retention = Retention(read_settings({}), journal, database, Metrics())
    # The first round only looks how far the states reach.
    await retention.tidy()
    await retention.tidy()
    if await journal.get(1) is not None:
        raise RuntimeError("the old events are still there, so nothing was measured")


def _event() -> EventEntry:
    return EventEntry(
        source="benchmark",
        service="shop",
        environment="production",
        timestamp=datetime(2026, 1, 30, tzinfo=UTC),
        severity="error",
        exception_type="StockTimeout",
        message=os.urandom(900).hex(),
    )


def _line(name: str, found: Latencies) -> str:
    return _LINE.format(
        name=name,
        count=len(found.took),
        p50=found.quantile(0.5),
        p99=found.quantile(0.99),
        worst=found.quantile(1.0),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/retention", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000, help="old ones in each round")
    parser.add_argument("--rounds", type=int, default=3)
    return parser


if __name__ == "__main__":
    sys.exit(main())
