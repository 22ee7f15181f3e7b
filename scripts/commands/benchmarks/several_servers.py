"""Measures servers that share a PostgreSQL beside one with SQLite, and a take-over.

Throughput: wrk sends signed Sentry webhooks to all servers at the same time. The rounds alternate
between one server with SQLite, and one, two and three with PostgreSQL. All of them, PostgreSQL and
wrk share the processors of this machine, so what counts is the processor time of an answer: that of
the servers, of their engine, and of PostgreSQL. `decided` counts until the last event is decided.

Take-over: the leading server is killed. The table shows for how long nothing was decided, and the
longest answer of the other server meanwhile, which gets a webhook every 50 ms.

Give the address of a PostgreSQL for trying things out, with the right to create databases.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from statistics import median

import psycopg
from sqlalchemy import make_url

from scripts.commands.benchmarks import proc
from scripts.commands.benchmarks.accept_load import SECRET, Answers, Load
from scripts.commands.benchmarks.recovery_times import (
    know_issues,
    known_event,
    post,
    states_after,
)
from scripts.commands.chaos import shared_progress
from scripts.commands.chaos.progress import newest_entry, recorded_seq
from scripts.commands.chaos.server_process import Server
from server.storage.database import migrate, open_database
from server.storage.journal.shared import open_shared_journal
from server.storage.main import checkpoints
from shared.pipe import Entry, Settings

_ENGINE = (sys.executable, "-m", "engine")
_LOOK_EVERY_S = 0.02
_TIMEOUT_S = 600.0
_WEBHOOK_EVERY_S = 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    with tempfile.TemporaryDirectory(prefix="pushlog-servers-", dir=options.folder) as folder:
        asyncio.run(_throughput(Path(folder), options))
    for issues in options.issues:
        with tempfile.TemporaryDirectory(prefix="pushlog-servers-") as folder:
            asyncio.run(_take_over(Path(folder), options.url, issues))
    return 0


class _Row:
    def __init__(self) -> None:
        self.rates: list[float] = []
        self.p99_ms: list[float] = []
        self.decided: list[float] = []
        self.server_us: list[float] = []
        self.engine_us: list[float] = []
        self.postgres_us: list[float] = []
        self.errors = 0


class _Group:
    """One server with SQLite, or servers that share the PostgreSQL `database`."""

    def __init__(self, servers: Sequence[Server], database: str | None) -> None:
        self._servers = servers
        self._database = database

    async def measure(self, load: Load, connections: int, seconds: int, row: _Row) -> None:
        before, started = self._cpu_s(), time.monotonic()
        each = max(1, connections // len(self._servers))
        answers: list[Answers] = await asyncio.gather(
            *(load.put_on(server.url, each, seconds) for server in self._servers)
        )
        async with asyncio.timeout(_TIMEOUT_S):
            while not await asyncio.to_thread(self._all_decided):  # noqa: ASYNC110 - others
                await asyncio.sleep(_LOOK_EVERY_S)
        took_s = time.monotonic() - started
        count = max(1, sum(one.answers for one in answers))
        row.rates.append(sum(one.rate for one in answers))
        row.p99_ms.append(max(one.p99_ms for one in answers))
        row.errors += sum(one.errors for one in answers)
        row.decided.append(count / took_s)
        used = [after - was for after, was in zip(self._cpu_s(), before, strict=True)]
        for costs, cpu_s in zip((row.server_us, row.engine_us, row.postgres_us), used, strict=True):
            costs.append(cpu_s / count * 1e6)

    def _cpu_s(self) -> tuple[float, float, float]:
        servers = sum(proc.cpu_s(server.pid or 0) for server in self._servers)
        engines = sum(proc.cpu_s(pid) for server in self._servers for pid in server.engines())
        return servers, engines, sum(proc.cpu_s(pid) for pid in _postgres())

    def _all_decided(self) -> bool:
        if self._database is None:
            (server,) = self._servers
            return recorded_seq(server.database) >= newest_entry(server.journal)
        return shared_progress.all_decided(self._database)


async def _throughput(folder: Path, options: argparse.Namespace) -> None:
    load = Load(folder, options.size)
    async with contextlib.AsyncExitStack() as stack:
        groups = {
            name: await stack.enter_async_context(_group(folder / name, url, count))
            for name, url, count in (
                ("sqlite", None, 1),
                *((f"postgresql-{count}", options.url, count) for count in options.servers),
            )
        }
        rows = {name: _Row() for name in groups}
        for _ in range(options.rounds):
            for name, group in groups.items():
                await group.measure(load, options.connections, options.seconds, rows[name])
    print(
        f"## {options.size} bytes, {options.connections} connections, rounds: {options.rounds}\n\n"
        "              answers/s  of sqlite  decided/s     p99  errors"
        "  us: servers  engine  PostgreSQL"
    )
    base = median(rows["sqlite"].rates)
    for name, row in rows.items():
        print(
            f"{name:<13} {median(row.rates):9.0f} {median(row.rates) / base:10.2f}"
            f" {median(row.decided):10.0f} {median(row.p99_ms):7.1f} {row.errors:7}"
            f" {median(row.server_us):12.0f} {median(row.engine_us):7.0f}"
            f" {median(row.postgres_us):11.0f}",
            flush=True,
        )


@contextlib.asynccontextmanager
async def _group(folder: Path, url: str | None, count: int) -> AsyncIterator[_Group]:
    database = None if url is None else await asyncio.to_thread(_create, url)
    async with contextlib.AsyncExitStack() as stack:
        servers = []
        for number in range(count):
            own = folder / str(number)
            await asyncio.to_thread(own.mkdir, parents=True)
            server = Server(own, _ENGINE, _environment(own, database))
            await stack.enter_async_context(server.running())
            servers.append(server)
        yield _Group(servers, database)


def _environment(folder: Path, database: str | None) -> dict[str, str]:
    given = {"SENTRY_WEBHOOK_SECRET": SECRET}
    if database is not None:
        given |= {"DATABASE_URL": database, "DATA_FOLDER": str(folder)}
    return given


async def _take_over(folder: Path, url: str, issues: int) -> None:
    database = await asyncio.to_thread(_create, url)
    await _prepare(database, issues)
    servers = []
    for name in ("first", "second"):
        await asyncio.to_thread((folder / name).mkdir)
        servers.append(Server(folder / name, _ENGINE, _environment(folder / name, database)))
    first, second = servers
    async with second.running(), contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(_TIMEOUT_S):
            while shared_progress.leader(database) is None:  # noqa: ASYNC110 - another process
                await asyncio.sleep(_LOOK_EVERY_S)
        await stack.enter_async_context(first.running())
        await post(second.url)
        await _decided(database)
        # The second leads: it was there first.
        answers: list[float] = []
        second.kill()
        started = time.monotonic()
        sending = asyncio.create_task(_keep_sending(first.url, answers))
        last = shared_progress.recorded_seq(database)
        async with asyncio.timeout(_TIMEOUT_S):
            while await asyncio.to_thread(shared_progress.recorded_seq, database) <= last:  # noqa: ASYNC110 - others
                await asyncio.sleep(_LOOK_EVERY_S)
        silent_s = time.monotonic() - started
        sending.cancel()
        await asyncio.wait({sending})
    print(
        f"take-over with {issues:,} issues: nothing was decided for {silent_s:.1f} s; the longest "
        f"of {len(answers)} answers took {max(answers) * 1000:.0f} ms",
        flush=True,
    )


async def _keep_sending(url: str, answers: list[float]) -> None:
    while True:
        started = time.monotonic()
        await post(url)
        answers.append(time.monotonic() - started)
        await asyncio.sleep(_WEBHOOK_EVERY_S)


async def _prepare(url: str, issues: int) -> None:
    """Make the tables, with the states of so many issues."""
    await asyncio.to_thread(migrate, url)
    first: list[Entry] = [Settings(max_issues=issues + 1_000), known_event()]
    async with open_shared_journal(url) as journal:
        await journal.append(first, None)
    said = await states_after(first)
    async with open_database(url) as database:
        await know_issues(database, said, issues, 0)
        async with database.write() as tx:
            await checkpoints.store(tx, len(first), said)
            await checkpoints.set_recorded(tx, len(first))


async def _decided(database: str) -> None:
    async with asyncio.timeout(_TIMEOUT_S):
        while not shared_progress.all_decided(database):  # noqa: ASYNC110 - another process
            await asyncio.sleep(_LOOK_EVERY_S)


def _create(url: str) -> str:
    """Create a database beside the one at `url`; return its address."""
    name = f"pushlog_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _postgres() -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "comm").read_text().strip() == "postgres":
                found.append(int(entry.name))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/benchmarks/servers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", metavar="URL", help="of PostgreSQL, like postgresql://user@host/db")
    parser.add_argument("--servers", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--size", type=int, default=8_000, help="bytes")
    parser.add_argument("--connections", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of load in each round")
    parser.add_argument("--issues", type=int, nargs="*", default=[0, 100_000], help="take-overs")
    parser.add_argument("--folder", type=Path, help="where the SQLite files are made")
    return parser


if __name__ == "__main__":
    sys.exit(main())
