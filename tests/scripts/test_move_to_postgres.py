"""`scripts/move-to-postgres` copies an installation, which goes on where it was, or nothing."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import aiohttp
import psycopg
import pytest

from scripts.commands.chaos.postgres_process import Postgres
from server.storage.main.tables import metadata
from tests.postgresql import create_migrated
from tests.processes import ROOT, clean_environment, running_server
from tests.waiting import LIMIT_S
from tests.whole.errors import listed, send
from tests.whole.test_several_servers import RUNS


async def run(home: Path, script: str, *arguments: str, **env: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        ROOT / "scripts" / script,
        *arguments,
        cwd=home,
        env=clean_environment(home) | {"DATABASE_URL": f"sqlite:///{home}/pushlog.db"} | env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    return process.returncode, output.decode()


@pytest.fixture
async def home(tmp_path: Path, http: aiohttp.ClientSession) -> Path:
    """The data of a stopped server with an incident."""
    async with running_server(tmp_path) as server:
        await send(http, server, "shop", "delivery 1")
        await listed(http, server, ["shop"])
        assert await server.interrupt() == 0
    return tmp_path


async def test_servers_on_postgresql_go_on_where_the_old_one_was(
    home: Path, postgres: Postgres, http: aiohttp.ClientSession
) -> None:
    url = postgres.create()
    code, output = await run(home, "move-to-postgres", url)
    assert code == 0, output
    assert "Moved and checked" in output
    folder = home / "own"
    folder.mkdir()
    env = {"DATABASE_URL": url, "DATA_FOLDER": str(folder)}
    async with running_server(folder, env=env, migrated=False) as server:
        await server.log.wait_for(RUNS)
        await listed(http, server, ["shop"])
        assert (await send(http, server, "shop", "delivery 1"))["duplicate"]
        # The same error again is no news for the engine, which has its states.
        await send(http, server, "shop")
        await send(http, server, "web")
        await listed(http, server, ["shop", "web"])


async def test_every_row_arrives(home: Path, postgres: Postgres) -> None:
    url = postgres.create()
    assert (await run(home, "move-to-postgres", url))[0] == 0
    with (
        contextlib.closing(sqlite3.connect(home / "pushlog.db")) as old,
        psycopg.connect(url) as new,
    ):
        for table in metadata.tables:
            count = f'SELECT count(*) FROM "{table}"'
            assert new.execute(count.encode()).fetchone() == old.execute(count).fetchone(), table
        entries = "SELECT seq, received, body FROM {} ORDER BY seq"
        there = new.execute(entries.format("journal_entries").encode()).fetchall()
        size = new.execute("SELECT size_bytes FROM journal_head").fetchone()
    assert size == (sum(len(body) for _, _, body in there),)
    with contextlib.closing(sqlite3.connect(home / "pushlog-journal.db")) as journal:
        assert there == journal.execute(entries.format("entries")).fetchall()


async def test_a_database_with_events_of_its_own_is_refused(home: Path, postgres: Postgres) -> None:
    url = create_migrated(postgres)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE journal_head SET seq = 1")
    code, output = await run(home, "move-to-postgres", url)
    assert code == 1
    assert "nothing was moved: there are events in that database already" in output


async def test_a_running_server_is_not_moved(tmp_path: Path, postgres: Postgres) -> None:
    async with running_server(tmp_path):
        code, output = await run(tmp_path, "move-to-postgres", postgres.create())
    assert code == 1
    assert "stop the server first" in output


async def test_a_database_that_cannot_be_reached_moves_nothing(home: Path) -> None:
    code, output = await run(home, "move-to-postgres", "postgresql://nobody@127.0.0.1:1/none")
    assert code == 1
    assert "nothing was moved" in output


@pytest.mark.parametrize("url", ["mysql://host/name", "postgresql://host", "sqlite:///a.db"])
async def test_another_address_is_refused_with_what_would_be_right(
    tmp_path: Path, url: str
) -> None:
    code, output = await run(tmp_path, "move-to-postgres", url)
    assert code == 2
    assert "postgresql://" in output


@pytest.mark.parametrize(
    ("script", "arguments", "instead"),
    [
        ("backup", ["folder"], "pg_dump"),
        ("restore", ["folder"], "pg_restore"),
        ("prune", [], "the leading server removes what is old"),
        ("replay", [], "give a file of events"),
    ],
)
async def test_what_is_for_files_says_what_to_do_instead(
    tmp_path: Path, script: str, arguments: list[str], instead: str
) -> None:
    env = {"DATABASE_URL": "postgresql://host/pushlog"}
    code, output = await run(tmp_path, script, *arguments, **env)
    assert code == 2
    assert instead in output


async def test_the_doctor_looks_into_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    env = {"DATABASE_URL": create_migrated(postgres)}
    _, output = await run(tmp_path, "doctor", **env)
    # The tests' own PostgreSQL is not to be durable.
    assert "fsync and full_page_writes off" in output
    assert "with the newest schema" in output
    assert "none leads" in output


async def test_people_are_managed_in_postgresql_too(tmp_path: Path, postgres: Postgres) -> None:
    env = {"DATABASE_URL": create_migrated(postgres)}
    code, output = await run(tmp_path, "people", "invite", "ada@acme.example", **env)
    assert code == 0
    assert "/invitation/" in output
    assert (await run(tmp_path, "migrate", **env))[0] == 0
