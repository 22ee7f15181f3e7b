"""A reload (SIGHUP) brings new code and settings, and nobody who sends webhooks notices it."""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import sys
from pathlib import Path

import aiohttp

from tests.processes import ServerProcess, running_server
from tests.waiting import limit
from tests.whole.test_browser import event

LISTENING = r"\[server\] Listening on"


async def reloaded(server: ServerProcess) -> int:
    """Ask for a reload, and return when the next version listens: the log's position before."""
    since = server.log.position()
    os.kill(server.pid, signal.SIGHUP)
    await server.log.wait_for(LISTENING, since=since)
    return since


async def post(http: aiohttp.ClientSession, server: ServerProcess, **headers: str) -> int:
    url = f"{server.url}/api/webhooks/incidents"
    async with http.post(url, json=event(), headers=headers) as response:
        return response.status


async def test_a_reload_refuses_no_webhook_and_loses_none(tmp_path: Path) -> None:
    answers: list[int] = []
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with (
        running_server(tmp_path) as server,
        aiohttp.ClientSession(connector=connector) as http,
    ):

        async def send() -> None:
            while not done:
                answers.append(await post(http, server))
                await asyncio.sleep(0.01)

        done = False
        pid = server.pid
        async with asyncio.TaskGroup() as senders:
            for _ in range(4):
                senders.create_task(send())
            since, engines = 0, set()
            for _ in range(3):
                started = await server.log.wait_for(r"started as process (\d+)", since=since)
                engines.add(started[1])
                since = await reloaded(server)
            assert len(engines) == 3
            done = True
        assert server.pid == pid
        assert server.returncode is None
        assert set(answers) == {202}
        assert await server.interrupt() == 0
        assert not server.log.matching("did not shut down cleanly")
    with contextlib.closing(sqlite3.connect(tmp_path / "pushlog-journal.db")) as journal:
        query = "SELECT count(*) FROM entries WHERE CAST(body AS TEXT) LIKE '%ValueError%'"
        assert journal.execute(query).fetchone() == (len(answers),)


async def test_a_reload_reads_the_settings_again(tmp_path: Path) -> None:
    file = tmp_path / "prod.env"
    file.write_text("")
    env = {"PUSHLOG_ENV_FILE": str(file)}
    async with running_server(tmp_path, env=env) as server, aiohttp.ClientSession() as http:
        assert await post(http, server) == 202
        file.write_text("INCIDENT_WEBHOOK_SECRET=s3cret\n")
        await reloaded(server)
        assert await post(http, server) == 401
        assert await post(http, server, **{"X-Incident-Webhook-Secret": "s3cret"}) == 202


async def test_another_address_is_taken_at_a_reload_and_the_old_one_is_left(
    tmp_path: Path,
) -> None:
    file = tmp_path / "prod.env"
    file.write_text("")
    # What the environment sets stands over the file.
    command = ("env", "-u", "HOST", sys.executable, "-m", "server")
    env = {"PUSHLOG_ENV_FILE": str(file)}
    async with running_server(tmp_path, env=env, command=command) as server:
        assert server.url.startswith("http://0.0.0.0:")
        port = int(server.url.rpartition(":")[2])
        file.write_text("HOST=127.0.0.2\n")
        since = await reloaded(server)
        (line,) = server.log.matching(LISTENING, since=since)
        assert "http://127.0.0.2:" in line
        with contextlib.closing(socket.socket()) as other:
            # Nobody listens there any more.
            assert other.connect_ex(("127.0.0.1", port)) != 0


async def test_a_reload_to_wrong_settings_is_refused_and_the_server_goes_on(
    tmp_path: Path,
) -> None:
    file = tmp_path / "prod.env"
    file.write_text("")
    env = {"PUSHLOG_ENV_FILE": str(file)}
    async with running_server(tmp_path, env=env) as server, aiohttp.ClientSession() as http:
        file.write_text("RETENTION_DAYS=never\n")
        os.kill(server.pid, signal.SIGHUP)
        await server.log.wait_for(
            r"ERROR \[server\] not reloaded, and this version goes on: .*cannot start: "
            r"RETENTION_DAYS: must be a number of days"
        )
        assert await post(http, server) == 202
        file.write_text("")
        await reloaded(server)
        assert await post(http, server) == 202


async def test_a_webhook_that_comes_while_the_server_starts_waits_for_it(tmp_path: Path) -> None:
    async with running_server(tmp_path) as server:
        assert await server.interrupt() == 0
    port = int(server.url.rpartition(":")[2])
    env = {"PORT": str(port)}
    with contextlib.closing(sqlite3.connect(tmp_path / "pushlog.db", isolation_level=None)) as held:
        held.execute("BEGIN EXCLUSIVE")
        async with (
            running_server(tmp_path, env=env, listening=False, migrated=False) as server,
            aiohttp.ClientSession() as http,
        ):
            server.url = f"http://127.0.0.1:{port}"
            async with limit():
                while True:
                    with contextlib.closing(socket.socket()) as probe:
                        if probe.connect_ex(("127.0.0.1", port)) == 0:
                            break
                    await asyncio.sleep(0.01)
            answer = asyncio.create_task(post(http, server))
            await asyncio.sleep(0)
            assert not server.log.matching(LISTENING)
            held.execute("COMMIT")
            assert await answer == 202


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with running_server(tmp_path) as server:
        port = server.url.rpartition(":")[2]
        env = {"PORT": port}
        async with running_server(tmp_path / "other", env=env, listening=False) as second:
            assert await second.wait() == 2
            said = f"cannot start: 127.0.0.1 port {port} cannot be used: Address already in use"
            assert second.log.matching(said)
