"""Servers that share a PostgreSQL, each with a clock that is some seconds off, and what hits them.

As root, each server is in a network of its own, and may be cut off from everything. Otherwise, only
its wire to PostgreSQL may be cut.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from scripts.commands.chaos import faults
from scripts.commands.chaos.fake_receivers import Receivers, open_receivers
from scripts.commands.chaos.network import open_network
from scripts.commands.chaos.postgres_process import Postgres, running_postgres
from scripts.commands.chaos.postgres_wire import Wire
from scripts.commands.chaos.replay import prepare_people
from scripts.commands.chaos.server_process import Server
from scripts.commands.chaos.shared_progress import leader
from server.storage.database import migrate, open_database

RECEIVER = "ada@acme.example"

_BEYOND_A_LEASE_S = 11.0
_CLOCK_OFF_S = 15.0

BLOWS = (
    *("kill server", "kill engine", "kill both", "stop engine", "stop server"),
    *("kill the leader", "stop the leader beyond its lease", "cut the leader off"),
    *("cut a server off", "kill PostgreSQL"),
)


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
async def open_installation(
    folder: Path, count: int, rng: random.Random
) -> AsyncIterator[Installation]:
    """Yield so many servers that do not run yet, in folders of their own in `folder`."""
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


@contextlib.asynccontextmanager
async def _all(contexts: Iterable[AbstractAsyncContextManager[None]]) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for context in contexts:
            await stack.enter_async_context(context)
        yield
