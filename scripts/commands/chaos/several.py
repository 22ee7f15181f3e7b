"""Kills and disturbs servers that share a PostgreSQL, and compares the result with one on a box.

Each round starts a PostgreSQL and the servers, and sends events to them in turn, each again to the
next server until it is answered 202. Their clocks are up to half a minute apart. Meanwhile it
strikes at random: it kills or stops a server, the leader, the engine or PostgreSQL, or cuts a
server off for longer than a lease, from everything (as root, by a network namespace) or else from
PostgreSQL. What is in PostgreSQL in the end is copied into SQLite, and must equal what one
undisturbed engine makes of the same journal.
"""

import asyncio
import contextlib
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy import create_engine

from scripts.commands.chaos import checks, faults
from scripts.commands.chaos.checks import Round
from scripts.commands.chaos.fake_receivers import Receivers, open_receivers
from scripts.commands.chaos.load import send_load
from scripts.commands.chaos.network import open_network
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


class Place(Protocol):
    """Where a server is, and how it is cut off."""

    host: str
    inside: tuple[str, ...]

    def database(self, url: str) -> str:
        """Return the address of a database, as the server reaches it."""

    async def cut(self, seconds: float) -> None:
        """Cut the server off for so long."""


class Installation:
    """The servers of a round, and their PostgreSQL."""

    def __init__(self, postgres: Postgres, url: str, receivers: Receivers) -> None:
        self.postgres = postgres
        self.url = url
        self.receivers = receivers
        self.servers: list[Server] = []
        self._places: dict[int, Place] = {}

    def add(self, folder: Path, place: Place, rng: random.Random) -> None:
        """Add a server there, whose clock is some seconds off."""
        off = f"{rng.uniform(-_CLOCK_OFF_S, _CLOCK_OFF_S):.3f}"
        own = {"DATABASE_URL": place.database(self.url), "DATA_FOLDER": str(folder)}
        server = Server(
            folder,
            (sys.executable, "-m", "engine"),
            {**own, **self.receivers.settings()},
            (*place.inside, sys.executable, "-m", "scripts.commands.chaos.shifted_server", off),
            place.host,
        )
        # While PostgreSQL is away, it cannot start, and is started again as by pm2.
        server.starts_again_after.add(2)
        self.servers.append(server)
        self._places[server.port] = place

    def running(self) -> AbstractAsyncContextManager[None]:
        """Keep all servers running."""
        return _all(server.running() for server in self.servers)

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
                await self._places[self.leader(rng).port].cut(_BEYOND_A_LEASE_S)
            case "cut a server off":
                await self._places[rng.choice(self.servers).port].cut(_BEYOND_A_LEASE_S)
            case _:
                await faults.strike(rng.choice(self.servers), blow)

    def leader(self, rng: random.Random) -> Server:
        """Return the server that leads, or any if nobody can tell."""
        port = str(leader(self.url)).rpartition(":")[2]
        leading = [server for server in self.servers if str(server.port) == port]
        return leading[0] if leading else rng.choice(self.servers)


@contextlib.asynccontextmanager
async def _open_installation(
    folder: Path, count: int, rng: random.Random
) -> AsyncIterator[Installation]:
    async with contextlib.AsyncExitStack() as stack:
        network = stack.enter_context(open_network())
        if network is None:
            postgres = stack.enter_context(running_postgres())
            receivers = await stack.enter_async_context(open_receivers())
        else:
            settings = f"listen_addresses = '{network.host}'\n"
            clients = f"host all all {network.all_hosts} trust\n"
            postgres = stack.enter_context(running_postgres(settings, clients))
            receivers = await stack.enter_async_context(open_receivers(network.host))
        url = postgres.create()
        await asyncio.to_thread(migrate, url)
        async with open_database(url) as database:
            await prepare_people(database, RECEIVER)
        installation = Installation(postgres, url, receivers)
        for number in range(1, count + 1):
            own = folder / f"server-{number}"
            await asyncio.to_thread(own.mkdir)
            place: Place
            if network is None:
                place = wire = Wire(own, postgres.socket)
                await stack.enter_async_context(wire.open())
            else:
                place = stack.enter_context(network.namespace(number))
            installation.add(own, place, rng)
        yield installation


async def play(folder: Path, seed: int, events: int, count: int) -> Round:
    """Play one round in `folder`, with so many servers."""
    rng = random.Random(seed)  # noqa: S311 - chance that can be had again
    made: list[str] = []
    async with _open_installation(folder, count, rng) as installation:
        url, servers, receivers = installation.url, installation.servers, installation.receivers
        async with installation.running():
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


@contextlib.asynccontextmanager
async def _all(contexts: Iterable[AbstractAsyncContextManager[None]]) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for context in contexts:
            await stack.enter_async_context(context)
        yield


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
