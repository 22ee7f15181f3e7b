"""A handler with an unforeseen error answers 500, and the error is kept for people."""

import contextlib
import sqlite3
from pathlib import Path

import msgspec
from aiohttp import web
from pytest_aiohttp import AiohttpClient

from server.keys import DATABASE, SETTINGS
from server.notify.news import CrashNews
from server.storage.files.crash_files import CrashFiles
from tests.server.web.conftest import SIGNED_IN, Client, build


async def test_what_a_handler_failed_of_is_kept_to_be_mailed(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    async def broken(_request: web.Request) -> web.Response:
        raise RuntimeError("nobody foresaw this")

    app = build(tmp_path)
    app.router.add_get("/api/broken", broken)
    client = await aiohttp_client(app, cookies=SIGNED_IN)
    response = await client.get("/api/broken")
    assert response.status == 500
    assert "foresaw" not in await response.text()
    ((_, content),) = CrashFiles(app[SETTINGS].database_path).waiting()
    assert msgspec.json.decode(content, type=CrashNews).message == "nobody foresaw this"


async def test_a_database_that_is_locked_is_a_503_and_no_crash(
    client: Client, database_path: Path
) -> None:
    async with client.app[DATABASE].read() as tx:
        # On the connection that is used next: nobody here has to wait for five seconds.
        await tx.exec_driver_sql("PRAGMA busy_timeout = 20")
    with contextlib.closing(sqlite3.connect(database_path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        program = await client.post("/api/notifications/read-all")
        page = await client.post("/settings/noise", data={"pattern": "Odd*"})
        assert (program.status, page.status) == (503, 503)
        assert program.headers["Retry-After"] == page.headers["Retry-After"] == "5"
        assert (await program.json())["error"] == (
            "Nothing was done: the database cannot be used now: another program has locked the "
            "file. Try again in a moment."
        )
        assert "another program has locked the file" in await page.text()
        other.execute("ROLLBACK")
    assert CrashFiles(database_path).waiting() == []
    assert (await client.post("/api/notifications/read-all")).status == 200


async def test_a_table_that_is_missing_is_a_defect(client: Client, database_path: Path) -> None:
    async with client.app[DATABASE].write() as tx:
        await tx.exec_driver_sql("ALTER TABLE notifications RENAME TO away")
    assert (await client.get("/api/notifications")).status == 500
    assert len(CrashFiles(database_path).waiting()) == 1
