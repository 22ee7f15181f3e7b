"""Several servers on one PostgreSQL: all accept, one leads, and no event is lost or told twice."""

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import psycopg.conninfo
import pytest

from scripts.commands.chaos.postgres_process import Postgres
from server.storage.database import open_database
from server.storage.main import accounts
from tests.pgbouncer import running_pgbouncer
from tests.processes import ServerProcess, running_server
from tests.waiting import limit, until
from tests.whole.errors import listed, send

RUNS = r"\[incident-engine\] pushlog \S+ has its \d+ states"
numbers = itertools.count()

Start = Callable[[], contextlib.AbstractAsyncContextManager[ServerProcess]]


@pytest.fixture
def start(postgres_url: str, tmp_path: Path) -> Start:
    """Starts another server of the same installation."""

    def starting() -> contextlib.AbstractAsyncContextManager[ServerProcess]:
        folder = tmp_path / f"server{next(numbers)}"
        folder.mkdir()
        env = {"DATABASE_URL": postgres_url, "DATA_FOLDER": str(folder)}
        return running_server(folder, env=env, migrated=False)

    return starting


@pytest.fixture
async def pair(start: Start) -> AsyncIterator[tuple[ServerProcess, ServerProcess]]:
    """The leading server, whose engine runs, and another."""
    async with start() as leading:
        await leading.log.wait_for(RUNS)
        async with start() as other:
            yield leading, other


async def health(http: aiohttp.ClientSession, server: ServerProcess) -> dict[str, Any]:
    async with http.get(f"{server.url}/health") as response:
        found: dict[str, Any] = await response.json()
        return found


async def test_each_server_accepts_and_shows_what_one_of_them_decides(
    pair: tuple[ServerProcess, ServerProcess], http: aiohttp.ClientSession
) -> None:
    leading, other = pair
    assert (await send(http, leading, "shop"))["seq"] < (await send(http, other, "web"))["seq"]
    for server in pair:
        await listed(http, server, ["shop", "web"])
    async with limit():
        while (found := await health(http, other))["engine"]["state"] != "running":  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    assert sorted(each["leads"] for each in found["servers"]) == [False, True]
    async with http.get(f"{other.url}/troubles") as response:
        assert "runs the engine and tells people" in await response.text()


async def test_the_bell_rings_on_each_server_for_what_one_of_them_decides(
    pair: tuple[ServerProcess, ServerProcess], http: aiohttp.ClientSession
) -> None:
    leading, other = pair
    async with limit(), http.get(f"{other.url}/api/notifications/stream") as stream:
        await send(http, leading, "shop")
        async for line in stream.content:
            if line.startswith(b"data:") and b"shop" in line:
                break
        else:
            raise AssertionError("the stream ended without a ring")


async def test_an_account_that_is_made_on_one_server_ends_the_first_code_on_all(
    pair: tuple[ServerProcess, ServerProcess], postgres_url: str
) -> None:
    async with aiohttp.ClientSession() as stranger:
        for server in pair:
            async with stranger.get(f"{server.url}/login", allow_redirects=False) as response:
                assert response.headers["Location"] == "/first-account"
        async with open_database(postgres_url) as database, database.write() as tx:
            await accounts.add_first(tx, name="Ada", email="ada@acme.example", hashed="")
        for server in pair:
            async with limit():
                while await redirects(stranger, server):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)


async def redirects(stranger: aiohttp.ClientSession, server: ServerProcess) -> bool:
    async with stranger.get(f"{server.url}/login", allow_redirects=False) as response:
        return "Location" in response.headers


async def test_a_delivery_that_is_repeated_to_another_server_is_a_duplicate(
    pair: tuple[ServerProcess, ServerProcess], http: aiohttp.ClientSession
) -> None:
    leading, other = pair
    first = await send(http, leading, "shop", "delivery 1")
    assert not first["duplicate"]
    assert (await send(http, other, "shop", "delivery 1"))["duplicate"]


async def test_when_the_leader_is_killed_another_goes_on_where_it_was(
    pair: tuple[ServerProcess, ServerProcess], http: aiohttp.ClientSession
) -> None:
    leading, other = pair
    await send(http, leading, "before")
    await listed(http, other, ["before"])
    await leading.kill()
    await send(http, other, "meanwhile")
    await other.log.wait_for(RUNS)
    await send(http, other, "after")
    await listed(http, other, ["after", "before", "meanwhile"])


async def test_a_leader_that_stops_lets_another_lead_at_once(
    pair: tuple[ServerProcess, ServerProcess], http: aiohttp.ClientSession, postgres_url: str
) -> None:
    leading, other = pair
    assert await leading.interrupt() == 0
    # The lease that it gave up is not one that ran out.
    with psycopg.connect(postgres_url) as connection:
        lease = connection.execute("SELECT count(*) FROM servers").fetchone()
    assert lease == (1,)
    await other.log.wait_for(RUNS)
    await send(http, other, "after")
    await listed(http, other, ["after"])


async def test_a_leader_that_slept_beyond_its_lease_writes_nothing_and_lets_go(
    pair: tuple[ServerProcess, ServerProcess], http: aiohttp.ClientSession
) -> None:
    leading, other = pair
    await send(http, leading, "before")
    await listed(http, other, ["before"])
    os.kill(leading.pid, signal.SIGSTOP)
    try:
        await send(http, other, "meanwhile")
        await other.log.wait_for(RUNS)
    finally:
        os.kill(leading.pid, signal.SIGCONT)
    await leading.log.wait_for("does not lead any more")
    await send(http, leading, "after")
    for server in pair:
        await listed(http, server, ["after", "before", "meanwhile"])
    await until(lambda: not leading.children())


async def test_all_of_them_go_on_after_postgresql_was_killed(
    start: Start, postgres: Postgres, http: aiohttp.ClientSession
) -> None:
    async with start() as server:
        await server.log.wait_for(RUNS)
        postgres.kill()
        try:
            assert (await health(http, server))["status"] != "ok"
        finally:
            postgres.start()
        await send(http, server, "shop")
        await listed(http, server, ["shop"])


async def test_a_pooler_of_transactions_may_stand_before_postgresql(
    postgres: Postgres, postgres_url: str, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(postgres_url)["dbname"]
    async with running_pgbouncer(postgres) as folder:
        url = f"postgresql://pushlog@/{name}?host={folder}&port=6432"
        env = {"DATABASE_URL": url, "DATA_FOLDER": str(tmp_path)}
        async with running_server(tmp_path, env=env, migrated=False) as server:
            await server.log.wait_for(RUNS)
            services = [f"shop {number}" for number in range(9)]
            await asyncio.gather(*(send(http, server, service) for service in services))
            await listed(http, server, services)
            assert await server.interrupt() == 0


async def test_servers_that_start_together_make_the_tables_once(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create()
    async with contextlib.AsyncExitStack() as stack:
        servers = []
        for name in "ab":
            env = {"DATABASE_URL": url, "DATA_FOLDER": str(tmp_path / name)}
            (tmp_path / name).mkdir()
            starting = running_server(tmp_path / name, env=env, migrated=False, listening=False)
            servers.append(await stack.enter_async_context(starting))
        for server in servers:
            await server.wait_until_listening()
        made = [each.log.matching("Made a new, empty database") for each in servers]
        assert sum(map(len, made)) == 1
        codes = {(await each.log.wait_for(r"with code (\S+)"))[1] for each in servers}
        assert len(codes) == 1


async def test_a_server_that_cannot_reach_postgresql_says_so_and_not_its_password(
    tmp_path: Path,
) -> None:
    url = "postgresql://pushlog:hunter2@127.0.0.1:1/pushlog"
    env = {"DATABASE_URL": url, "DATA_FOLDER": str(tmp_path)}
    async with running_server(tmp_path, env=env, migrated=False, listening=False) as server:
        assert await server.wait() == 2
        await server.log.wait_until(lambda _: server.log.ended or None, what="its end")
    assert server.log.matching("cannot start: .*connection")
    assert "hunter2" not in server.log.text()
