"""Measures an installation that has run for a year at five events a second, beside a new one.

Its files hold what retention leaves by default: events up to 10 GB, fewer than thirty days of them,
and a year of 50 incidents and 10 deploys a day, with a bell and two messages for each incident. The
engine knows 20,000 issues, and there are 20 sources whose silence is watched. The new one has a
thousand events of ten incidents.

Times are milliseconds in the median, or at worst where it says so, but backup and restore, which
are made once.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import msgspec
from sqlalchemy import update

from scripts.commands.benchmarks.backups import back_up, restore
from scripts.commands.benchmarks.history import fill
from scripts.commands.benchmarks.page_times import ask_for_all
from scripts.commands.benchmarks.proc import pss_bytes
from scripts.commands.benchmarks.recovery_times import (
    engine_back_s,
    know_issues,
    known_event,
    post,
    states_after,
)
from scripts.commands.benchmarks.steady_load import steady_load
from scripts.commands.chaos.server_process import Server
from server.storage.database import Transaction, open_database
from server.storage.journal.journal import open_journal
from server.storage.main import active_hours, deploys, notifications, outbox
from server.storage.main.notifications import Change
from server.storage.main.outbox import NewDelivery
from server.storage.main.tables import outbox as outbox_table
from server.storage.times import micros_now
from shared.event import ChangeWindow, Commit

_ENGINE = (sys.executable, "-m", "engine")
_STARTS = 5
_ROUNDS = 50
_PER_SECOND = 50.0
_ACCEPT_S = 30.0
_DAYS = 365
_ISSUES = 20_000
_SOURCES = 20
_COMMITS_A_DEPLOY = 5


class Size(msgspec.Struct, frozen=True):
    """How much an installation has."""

    events: int
    incidents: int
    deploys: int
    issues: int
    days: int
    """In which its sources sent something, in each minute."""


_NEW = Size(events=1_000, incidents=10, deploys=1, issues=10, days=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}", flush=True)
    year = Size(options.events, 50 * _DAYS, 10 * _DAYS, _ISSUES, active_hours.KEPT_HOURS // 24)
    found: list[dict[str, float]] = []
    for size in (_NEW, year):
        with tempfile.TemporaryDirectory(prefix="pushlog-year-") as folder:
            found.append(asyncio.run(_measure(Path(folder), size)))
    print("\n| what | new | after a year | ratio |\n|---|---|---|---|")
    for name, new in found[0].items():
        old = found[1][name]
        print(f"| {name} | {new:,.1f} | {old:,.1f} | {old / new:.1f} |")
    return 0


async def _measure(folder: Path, size: Size) -> dict[str, float]:
    """Return what was measured, by what it is."""
    server = Server(folder, _ENGINE)
    started = time.monotonic()
    await _fill(server, size)
    files_gb = sum(each.stat().st_size for each in (server.journal, server.database)) / 1e9
    print(f"{files_gb:.2f} GB, made in {time.monotonic() - started:.0f} s", flush=True)
    starts = [await _start(server) for _ in range(_STARTS)]
    found = {"start, until a webhook is accepted": median(starts)}
    async with server.running():
        await post(server.url)
        found["first decision after the engine's death"] = 1000 * await engine_back_s(server)
        async with steady_load(server.url, _PER_SECOND) as sent:
            await asyncio.sleep(_ACCEPT_S)
        took = sorted(1000 * each.took_s for each in sent)
        found["accept"] = median(took)
        found["accept, p99"] = took[len(took) * 99 // 100]
        found["accept, at worst"] = took[-1]
        for name, times in (await ask_for_all(server.url, _ROUNDS)).items():
            found[name] = 1000 * median(times)
        (engine,) = server.engines()
        found["memory of the server, MB"] = pss_bytes(server.pid or 0) / 1e6
        found["memory of the engine, MB"] = pss_bytes(engine) / 1e6
        started = time.monotonic()
        await back_up(server)
        found["a backup, s"] = time.monotonic() - started
    started = time.monotonic()
    await restore(server)
    found["a restore, s"] = time.monotonic() - started
    shutil.rmtree(folder / "backups")
    found["start after the restore"] = await _start(server)
    return found


async def _start(server: Server) -> float:
    started = time.monotonic()
    async with server.running():
        await post(server.url)
        return 1000 * (time.monotonic() - started)


async def _fill(server: Server, size: Size) -> None:
    await fill(server, size.incidents, size.events)
    now = datetime.now(UTC)
    async with open_database(server.database) as database:
        async with database.write() as tx:
            await _tell(tx, size.incidents)
        async with database.write() as tx:
            for each in range(size.deploys):
                at = now - timedelta(days=_DAYS * each / size.deploys)
                await deploys.store(tx, f"service-{each % _SOURCES}", "production", _deploy(at))
        async with database.write() as tx:
            minute = active_hours.minute_of(now)
            minutes = range(minute - 24 * 60 * size.days, minute)
            await active_hours.mark(tx, {f"source-{each}": minutes for each in range(_SOURCES)})
    await _know(server, size.issues)


async def _tell(tx: Transaction, incidents: int) -> None:
    """Add a bell and two messages that were sent, for each incident."""
    now = micros_now()
    for each in range(incidents):
        incident_id = f"inc-{each:016x}"
        told = Change(
            incident_id=incident_id, seq=each + 1, change="opened", title="It was told", at=now
        )
        await notifications.add(tx, told, [1])
        news = os.urandom(700)
        await outbox.add(
            tx,
            [
                NewDelivery(
                    key=f"{incident_id}-{channel}",
                    channel=channel,
                    receiver="somebody",
                    incident_id=incident_id,
                    news=news,
                )
                for channel in ("email", "slack")
            ],
            now,
        )
    await tx.execute(update(outbox_table).values(state="sent", attempts=1, sent_at=now))


def _deploy(at: datetime) -> ChangeWindow:
    commits = [
        Commit(
            f"{secrets.randbits(160):040x}",
            timestamp=at,
            files=[f"shop/module_{file}.py" for file in range(8)],
            message="Charge the card once",
        )
        for _ in range(_COMMITS_A_DEPLOY)
    ]
    return ChangeWindow(deploy_time=at, commits=commits, deploy_id=commits[0].id)


async def _know(server: Server, issues: int) -> None:
    """Let the engine know this many issues."""
    said = await states_after([known_event()])
    async with open_journal(server.journal) as journal:
        last = journal.last_seq
    async with open_database(server.database) as database:
        await know_issues(database, said, issues, last)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/year", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000, help="that are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
