"""Opens and migrates the main database, and lends it out as transactions."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.storage.files.free_space import AUTO_VACUUM, pages_to_give_back
from server.storage.files.private_files import keep_private
from server.storage.schema import MIGRATIONS, REVISIONS, read_revision

BUSY_TIMEOUT_MS = 5_000

Transaction = AsyncConnection
"""What `Database` lends. Callers pass it on to the functions of the tables and write no SQL."""


def migrate(path: Path) -> bool:
    """Bring the database at `path` to the newest schema; return whether it had to be created.

    The caller holds the server's lock if it does this for a server. Raises `NewerSchema`, and
    `OSError` or `sqlite3.Error` if the file cannot be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = keep_private(path)
    if not path.stat().st_size:
        _let_shrink(path)
    if read_revision(path) == REVISIONS[-1]:
        return is_new
    from alembic import command  # noqa: PLC0415 - see REVISIONS
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = f"sqlite:///{path}"
    command.upgrade(config, "head")
    return is_new


def _let_shrink(empty: Path) -> None:
    with contextlib.closing(sqlite3.connect(empty)) as connection:
        connection.execute(AUTO_VACUUM)
        # The first page says it, and is written now.
        connection.execute("PRAGMA journal_mode = WAL")


class Database:
    """Transactions on the main database: one writer at a time, many readers."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that takes the write lock at once; commit, or roll back on error."""
        async with self._engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                await connection.rollback()
                raise
            await connection.commit()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open one consistent view of the whole database, without writing."""
        async with self._engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN DEFERRED")
            try:
                yield connection
            finally:
                await connection.rollback()

    async def give_back(self) -> int:
        """Give some of the file's free pages back to the file system; return how many bytes.

        It returns 0 once few enough are left, or if the file was made without `AUTO_VACUUM`.
        """
        async with self._engine.connect() as connection:
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


@contextlib.asynccontextmanager
async def open_database(path: Path) -> AsyncIterator[Database]:
    """Open the database at `path`, which `migrate` has created; close it with the context."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    event.listen(engine.sync_engine, "connect", _prepare)
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


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
