"""Kills and disturbs servers that share a PostgreSQL, and compares the result with one on a box.

Each round starts a PostgreSQL and the servers, and sends events to them in turn, each again to the
next server until it is answered 202. Their clocks are up to half a minute apart. Meanwhile it
strikes at random: it kills or stops a server, the leader, the engine or PostgreSQL, or cuts a
server off from PostgreSQL for longer than a lease. What is in PostgreSQL in the end is copied into
SQLite, and must equal what one undisturbed engine makes of the same journal.
"""

import asyncio
import contextlib
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg
from sqlalchemy import create_engine

from scripts.commands.chaos import checks, faults
from scripts.commands.chaos.checks import Round
from scripts.commands.chaos.fake_receivers import open_receivers
from scripts.commands.chaos.load import send_load
from scripts.commands.chaos.postgres_process import Postgres, running_postgres
from scripts.commands.chaos.postgres_wire import Wire
from scripts.commands.chaos.replay import prepare, prepare_people, replay
from scripts.commands.chaos.server_process import Server
from scripts.commands.chaos.shared_progress import all_decided, ask, leader, number
from scripts.commands.move_to_postgres import copy_rows
from server.notify.channels import outlets_of
from server.settings.settings import read_settings
from server.storage.database import migrate, open_database
from server.storage.journal.file import JournalFile
from server.storage.main.tables import metadata
from server.storage.postgresql import sync_engine

RECEIVER = "ada@acme.example"

_BLOWS_A_SECOND = 0.7
_BEYOND_A_LEASE_S = 11.0
_NEWS_S = 60.0
_LOOK_EVERY_S = 0.1
_CLOCK_OFF_S = 15.0

_BLOWS = (
    *("kill server", "kill engine", "kill both", "stop engine", "stop server"),
    *("kill the leader", "stop the leader beyond its lease", "cut the leader off"),
    *("cut a server off", "kill PostgreSQL"),
)

_NEWS_IS_OUT = (
    "SELECT coalesce(bool_and(told >= least(due, 5)), true) FROM ("
    "SELECT count(*) AS due, count(*) FILTER (WHERE state IN ('sent', 'digested')) AS told "
    "FROM outbox GROUP BY channel) AS each"
)
"""Whether each channel has told what goes out at once."""

_TOLD_THE_TIME = "SELECT received FROM journal_head"


class Installation:
    """The servers of a round, and their PostgreSQL."""

    def __init__(
        self, postgres: Postgres, url: str, servers: list[Server], wires: dict[int, Wire]
    ) -> None:
        """Set up the installation; `wires` are those of the servers, by their ports."""
        self.postgres = postgres
        self.url = url
        self.servers = servers
        self._wires = wires

    async def strike(self, blow: str, rng: random.Random) -> None:
        """Do one of the blows now."""
        match blow:
            case "kill PostgreSQL":
                await asyncio.to_thread(self.postgres.kill)
                await asyncio.to_thread(self.postgres.start)
            case "kill the leader":
                self.leader(rng).kill()
            case "stop the leader beyond its lease":
                leader = self.leader(rng)
                if leader.pid is not None:
                    await faults.hold([leader.pid], _BEYOND_A_LEASE_S)
            case "cut the leader off":
                await self._wires[self.leader(rng).port].cut(_BEYOND_A_LEASE_S)
            case "cut a server off":
                await self._wires[rng.choice(self.servers).port].cut(_BEYOND_A_LEASE_S)
            case _:
                await faults.strike(rng.choice(self.servers), blow)

    def leader(self, rng: random.Random) -> Server:
        """Return the server that leads, or any if nobody can tell."""
        port = str(leader(self.url)).rpartition(":")[2]
        leading = [server for server in self.servers if str(server.port) == port]
        return leading[0] if leading else rng.choice(self.servers)


async def play(folder: Path, seed: int, events: int, count: int) -> Round:
    """Play one round in `folder`, with so many servers."""
    rng = random.Random(seed)  # noqa: S311 - chance that can be had again
    made: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        postgres = stack.enter_context(running_postgres())
        receivers = await stack.enter_async_context(open_receivers())
        url = postgres.create()
        await asyncio.to_thread(migrate, url)
        async with open_database(url) as database:
            await prepare_people(database, RECEIVER)
        servers, wires = [], {}
        for place in range(count):
            own = folder / f"server-{place}"
            await asyncio.to_thread(own.mkdir)
            wire = Wire(own, postgres.socket)
            await stack.enter_async_context(wire.open())
            through_it = url.replace(str(postgres.socket.parent), str(own))
            env = {"DATABASE_URL": through_it, "DATA_FOLDER": str(own), **receivers.settings()}
            server = Server(own, (sys.executable, "-m", "engine"), env, _with_its_own_clock(rng))
            # While PostgreSQL is away, it cannot start, and is started again as by pm2.
            server.starts_again_after.add(2)
            servers.append(server)
            wires[server.port] = wire
        installation = Installation(postgres, url, servers, wires)
        async with contextlib.AsyncExitStack() as running:
            for server in servers:
                await running.enter_async_context(server.running())
            disturbing = asyncio.create_task(_strike_now_and_then(installation, rng, made))
            urls = [server.url for server in servers]
            accepted = await send_load(urls, events, clients=16, rng=rng)
            disturbing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await disturbing
            await _wait(lambda: all_decided(url) and ask(url, _NEWS_IS_OUT) is True)
        found: list[str] = []
        box = folder / "disturbed.db"
        await asyncio.to_thread(take_home, url, box)
        env = {"DATABASE_URL": f"sqlite:///{box}", **receivers.settings()}
        outlets = outlets_of(read_settings(env))
        journal = box.with_name("disturbed-journal.db")
        # Ticks told the engine the time since the last entry.
        end = number(url, _TOLD_THE_TIME) + 1_000_000
        undisturbed = folder / "undisturbed.db"
        checks.copy_database(journal, folder / "undisturbed-journal.db")
        await prepare(undisturbed, RECEIVER)
        checks.copy_dead_letters(box, undisturbed)
        await replay(journal, box, end, outlets)
        await replay(folder / "undisturbed-journal.db", undisturbed, end, outlets)
        log = folder / "all.log"
        log.write_text("".join(server.log.read_text(errors="replace") for server in servers))
        received = {"webhook": receivers.webhooks, "apprise": receivers.apprise}
        counts = checks.count(journal, box, log, accepted.keys, received, found)
        found.extend(checks.differences(box, undisturbed))
    return Round(
        counts=counts,
        blows=Counter(made),
        kills=sum(server.kills for server in servers),
        retries=accepted.broken + accepted.unavailable,
        faults=found,
    )


def take_home(url: str, box: Path) -> None:
    """Copy what is in PostgreSQL into SQLite files: `box`, and the journal beside it."""
    migrate(box)
    source, target = sync_engine(url), create_engine(f"sqlite:///{box}")
    with source.connect() as old, target.begin() as new:
        for table in metadata.sorted_tables:
            # Instead of what a new database brings along.
            new.execute(table.delete())
            copy_rows(table, old, new)
    source.dispose()
    target.dispose()
    journal = box.with_name(f"{box.stem}-journal.db")
    JournalFile(journal, writable=True).close()
    with (
        psycopg.connect(url) as there,
        contextlib.closing(sqlite3.connect(journal)) as here,
        here,
    ):
        entries = there.execute("SELECT seq, received, body FROM journal_entries ORDER BY seq")
        here.executemany("INSERT INTO entries VALUES (?, ?, ?)", entries)


def _with_its_own_clock(rng: random.Random) -> tuple[str, ...]:
    off = rng.uniform(-_CLOCK_OFF_S, _CLOCK_OFF_S)
    return (sys.executable, "-m", "scripts.commands.chaos.shifted_server", f"{off:.3f}")


async def _strike_now_and_then(
    installation: Installation, rng: random.Random, made: list[str]
) -> None:
    while True:
        await asyncio.sleep(rng.expovariate(_BLOWS_A_SECOND))
        blow = rng.choice(_BLOWS)
        await installation.strike(blow, rng)
        made.append(blow)


async def _wait(is_so: Callable[[], bool]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_NEWS_S):
            while not await asyncio.to_thread(is_so):  # noqa: ASYNC110 - another process
                await asyncio.sleep(_LOOK_EVERY_S)
