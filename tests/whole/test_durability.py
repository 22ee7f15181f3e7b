"""The real server at its limits: it keeps what it answered 202, and refuses what it cannot keep."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

from server.storage.database import open_database
from server.storage.journal.journal import open_journal
from server.storage.main import checkpoints
from tests.builders import event_entry
from tests.processes import ServerProcess, running_server
from tests.whole.decided import all_decided
from tests.whole.errors import error_in

HONEST_ENGINE = {"INCIDENT_ENGINE_BIN": f"{sys.executable} -m tests.fakes.engines.honest"}
SLUGGISH_ENGINE = {
    "INCIDENT_ENGINE_BIN": f"{sys.executable} -m tests.fakes.engines.misbehaving sluggish"
}


async def post(
    http: aiohttp.ClientSession, server: ServerProcess, key: str | None = None
) -> tuple[int, dict[str, Any], str | None]:
    """Send an event; status, answer and when to try again."""
    headers = {} if key is None else {"Idempotency-Key": key}
    async with http.post(
        f"{server.url}/api/webhooks/incidents", json=error_in("shop"), headers=headers
    ) as response:
        return response.status, await response.json(), response.headers.get("Retry-After")


async def post_many(http: aiohttp.ClientSession, server: ServerProcess, count: int) -> None:
    async def some(number: int) -> None:
        for _ in range(number):
            status, _, _ = await post(http, server)
            assert status == 202

    await asyncio.gather(*(some(count // 50) for _ in range(50)))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else writes to the file, and takes their time."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def at_revision(folder: Path, revision: str) -> None:
    """Let the database say that it has another schema than it has."""
    with contextlib.closing(sqlite3.connect(folder / "pushlog.db")) as main, main:
        main.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def revision(folder: Path) -> str:
    with contextlib.closing(sqlite3.connect(folder / "pushlog.db")) as main:
        return str(main.execute("SELECT version_num FROM alembic_version").fetchone()[0])


async def test_a_journal_that_cannot_be_written_is_a_503_and_recovers_by_itself(
    http: aiohttp.ClientSession, server: ServerProcess, tmp_path: Path
) -> None:
    with locked(tmp_path / "pushlog-journal.db"):
        status, answer, retry_after = await post(http, server, "delivery")
        assert status == 503
        assert "another program has locked the file" in answer["error"]
        assert retry_after == "30"
        await server.log.wait_for("Incident webhook error: not stored: another program has locked")
    status, answer, _ = await post(http, server, "delivery")
    assert (status, answer["duplicate"]) == (202, False)


async def test_a_main_database_that_is_locked_stops_no_webhook(
    http: aiohttp.ClientSession, server: ServerProcess, tmp_path: Path
) -> None:
    await server.log.wait_for("has its 0 states")
    with locked(tmp_path / "pushlog.db"):
        # Answered while it is locked.
        for _ in range(20):
            status, _, _ = await post(http, server)
            assert status == 202
        await server.log.wait_for("cannot record what the engine said: .*database is locked")
    await server.log.wait_for("can record what the engine said again")
    await all_decided(server)
    assert len(server.log.matching(r"\[incident-engine\] incident inc-")) == 1


async def test_a_second_server_on_the_same_files_is_refused(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with running_server(tmp_path, listening=False) as second:
        assert await second.wait() == 2
        await second.log.wait_until(lambda _: second.log.ended or None, what="its end")
        (line,) = second.log.matching("cannot start: ")
        assert f"in use by another server (process {server.pid})" in line


async def test_a_second_server_changes_no_schema_under_the_first(
    server: ServerProcess, tmp_path: Path
) -> None:
    assert server.pid
    at_revision(tmp_path, "0001")
    async with running_server(tmp_path, listening=False, migrated=False) as second:
        assert await second.wait() == 2
        await second.log.wait_for("cannot start: .* is in use by another server")
    assert revision(tmp_path) == "0001"


async def test_a_database_of_a_newer_pushlog_is_refused_with_what_would_be_right(
    tmp_path: Path,
) -> None:
    async with running_server(tmp_path) as server:
        assert await server.interrupt() == 0
    at_revision(tmp_path, "9999")
    async with running_server(tmp_path, listening=False, migrated=False) as newer:
        assert await newer.wait() == 2
        await newer.log.wait_for("cannot start: .* has schema 9999, .* take the PushLog that")
    assert revision(tmp_path) == "9999"


async def test_a_stop_with_many_events_waiting_leaves_them_to_the_next_start(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with open_journal(tmp_path / "pushlog-journal.db") as journal:
        await journal.append([event_entry(seq=None, received=None)] * 10_000, None)
    async with running_server(tmp_path, env=SLUGGISH_ENGINE) as server:
        await server.log.wait_for("has its")
        assert await server.stop(signal.SIGTERM) == 0
        assert server.children() == []
    async with open_database(tmp_path / "pushlog.db") as database, database.read() as tx:
        assert (await checkpoints.progress(tx)).recorded_seq < 5_000
    async with running_server(tmp_path, env=HONEST_ENGINE) as server:
        await all_decided(server)
        async with http.get(f"{server.url}/api/decisions/10000") as response:
            assert (await response.json())["numbers"]["count"] == 10_000


async def test_a_second_signal_ends_it_at_once_and_loses_nothing(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    stubborn = f"{sys.executable} -m tests.fakes.engines.misbehaving stubborn"
    async with running_server(tmp_path, env={"INCIDENT_ENGINE_BIN": stubborn}) as server:
        await post_many(http, server, 100)
        await all_decided(server)
        os.kill(server.pid, signal.SIGINT)
        await server.log.wait_for(r"\[server\] Stopping")
        assert await server.stop(signal.SIGINT) == 130
    async with running_server(tmp_path) as server:
        await all_decided(server)


async def test_a_corrupt_journal_is_named_when_the_server_starts(tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "pushlog-journal.db").write_bytes, b"a diary\n" * 500)
    async with running_server(tmp_path, listening=False) as server:
        assert await server.wait() == 2
        await server.log.wait_until(lambda _: server.log.ended or None, what="its end")
        (line,) = server.log.matching("cannot start: ")
        assert "the file is no SQLite database" in line


async def test_a_copy_of_the_journal_alone_makes_everything_again(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        await asyncio.to_thread(folder.mkdir)
    async with running_server(before) as server:
        await post_many(http, server, 200)
        await all_decided(server)
        opened = await server.log.wait_for(r"incident (inc-[0-9a-f]{16}) \(new_issue\)")
        assert await server.interrupt() == 0
    await asyncio.to_thread(
        shutil.copy, before / "pushlog-journal.db", after / "pushlog-journal.db"
    )
    async with running_server(after) as server:
        again = await server.log.wait_for(r"incident (inc-[0-9a-f]{16}) \(new_issue\)")
        assert again[1] == opened[1]


async def test_a_journal_that_does_not_belong_to_the_results_is_refused(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running_server(tmp_path) as server:
        await post(http, server)
        await server.log.wait_for(r"\[incident-engine\] incident inc-")
        assert await server.interrupt() == 0
    (tmp_path / "pushlog-journal.db").unlink()
    async with running_server(tmp_path, listening=False) as server:
        assert await server.wait() == 2
        await server.log.wait_for("cannot start: .* it is not the journal that belongs to it")
