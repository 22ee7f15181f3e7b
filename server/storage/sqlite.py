"""The main database as an SQLite file."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from server.storage.engines import Engines
from server.storage.files.free_space import AUTO_VACUUM, pages_to_give_back
from server.storage.files.private_files import keep_private
from server.storage.schema import REVISIONS, read_revision, upgrade

BUSY_TIMEOUT_MS = 5_000


def migrate(path: Path) -> bool:
    """Bring the file to the newest schema; return whether it had to be created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = keep_private(path)
    if not path.stat().st_size:
        _let_shrink(path)
    if read_revision(path) != REVISIONS[-1]:
        upgrade(f"sqlite:///{path}")
    return is_new


def connect(path: Path) -> Engines:
    """Return connections to the file."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    in_threads = create_engine(f"sqlite:///{path}")
    for each in (engine.sync_engine, in_threads):
        event.listen(each, "connect", _prepare)
    return Engines(
        writing=engine,
        reading=engine,
        writing_in_threads=in_threads,
        reading_in_threads=in_threads,
        begin_write="BEGIN IMMEDIATE",
        begin_read="BEGIN DEFERRED",
    )


async def give_back(connection: AsyncConnection) -> int:
    """Give some of the file's free pages back to the file system; return how many bytes."""
    before = await _number(connection, "page_count")
    wanted = pages_to_give_back(before, await _number(connection, "freelist_count"))
    if not wanted:
        return 0
    driver: Any = (await connection.get_raw_connection()).driver_connection
    # Anything else would take one step of it, and give back one page.
    await driver.executescript(f"PRAGMA incremental_vacuum({wanted})")
    given = before - await _number(connection, "page_count")
    return given * await _number(connection, "page_size")


async def _number(connection: AsyncConnection, pragma: str) -> int:
    return int((await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one())


def _let_shrink(empty: Path) -> None:
    with contextlib.closing(sqlite3.connect(empty)) as connection:
        connection.execute(AUTO_VACUUM)
        # The first page says it, and is written now.
        connection.execute("PRAGMA journal_mode = WAL")


def _prepare(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, too late for BEGIN IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # A power cut may take the last commits, but never damages the file. The engine's results follow
    # once more from the journal, which is synchronous=FULL; a lost mark sends a message once more.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.close()
