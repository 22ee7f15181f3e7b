"""Measures how long webhooks wait for their answer while a backup is made, and while none is.

`idle` is a server whose engine has decided everything. `catching up` is one whose engine begins
with all the events that wait, which is when the server writes most. Each is measured without and
with backups, which run one after the other. Webhooks come at a steady pace, each on a connection of
its own. The table shows milliseconds, and in how many seconds a backup was made. On a machine with
few processors, what the engine does shows in all lines alike.
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

from scripts.commands.benchmarks.backups import back_up
from scripts.commands.benchmarks.steady_load import Sent, steady_load
from scripts.commands.chaos.server_process import Server
from server.storage.database import migrate, open_database
from server.storage.journal.journal import open_journal
from server.storage.main import checkpoints
from shared.pipe import EventEntry

_ENGINE = (sys.executable, "-m", "engine")
_AT_ONCE = 1_000
_LINE = "{name:26} {count:6,} webhooks  {p50:7.1f}  {p99:7.1f}  {worst:7.1f}  {backup:>8}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}\n")
    print(f"{'ms':26} {'':16} {'p50':>7}  {'p99':>7}  {'worst':>7}  {'a backup':>8}")
    for name, decided in (("idle", True), ("catching up", False)):
        for beside in (False, True):
            with tempfile.TemporaryDirectory(prefix="pushlog-backup-") as folder:
                sent, backup_s = asyncio.run(_measure(Path(folder), options, decided, beside))
            took = sorted(1000 * each.took_s for each in sent)
            print(
                _LINE.format(
                    name=f"{name}{', with backups' if beside else ''}",
                    count=len(took),
                    p50=took[len(took) // 2],
                    p99=took[len(took) * 99 // 100],
                    worst=took[-1],
                    backup=f"{backup_s:.1f} s" if beside else "",
                )
            )
    return 0


async def _measure(
    folder: Path, options: argparse.Namespace, decided: bool, beside: bool
) -> tuple[list[Sent], float]:
    """Return what was sent within the time, and how long the last backup took."""
    server = Server(folder, _ENGINE)
    await _fill(server, options.events, decided)
    backup_s = 0.0
    async with server.running(), steady_load(server.url, options.per_second) as sent:
        until = time.monotonic() + options.seconds
        while beside and time.monotonic() < until:
            started = time.monotonic()
            await back_up(server)
            backup_s = time.monotonic() - started
        await asyncio.sleep(max(0.0, until - time.monotonic()))
    return sent, backup_s


async def _fill(server: Server, events: int, decided: bool) -> None:
    await asyncio.to_thread(migrate, server.database)
    async with open_journal(server.journal) as journal:
        for start in range(0, events, _AT_ONCE):
            await journal.append([_event(start + each) for each in range(_AT_ONCE)], None)
        last = journal.last_seq
    if decided:
        async with open_database(server.database) as database, database.write() as tx:
            await checkpoints.store(tx, last, [])
            await checkpoints.set_recorded(tx, last)


def _event(number: int) -> EventEntry:
    return EventEntry(
        source="benchmark",
        service=f"shop-{number % 50}",
        environment="production",
        timestamp=datetime.now(UTC),
        severity="error",
        exception_type=f"StockTimeout{number % 20}",
        message=os.urandom(900).hex(),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/backup", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--per-second", type=float, default=50.0, help="webhooks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
