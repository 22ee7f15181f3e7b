"""The main database: opened, migrated, and lent out as transactions."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.storage.files.private_files import keep_private
from server.storage.schema import MIGRATIONS, REVISIONS, read_revision

BUSY_TIMEOUT_MS = 5_000

Transaction = AsyncConnection
"""What `Database` lends. Callers hand it on to the functions of the tables, and say no SQL."""


def migrate(path: Path) -> bool:
    """Bring the database at `path` to the newest schema, making it where there is none; whether
    it was made.

    Whoever does so for a server holds its lock. Raises `NewerSchema`, and `OSError` or
    `sqlite3.Error` where the file cannot be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = keep_private(path)
    if read_revision(path) == REVISIONS[-1]:
        return is_new
    from alembic import command  # noqa: PLC0415 - see REVISIONS
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = f"sqlite:///{path}"
    command.upgrade(config, "head")
    return is_new


class Database:
    """Transactions on the main database; one writes at a time, many read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that takes the write lock at once; commits, or rolls back on an error."""
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
        """One consistent view of the whole database; nothing is written."""
        async with self._engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN DEFERRED")
            try:
                yield connection
            finally:
                await connection.rollback()


@contextlib.asynccontextmanager
async def open_database(path: Path) -> AsyncIterator[Database]:
    """The database at `path`, which `migrate` has made; closed with the context."""
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
    # What stands here can be worked out again from the journal, which is synchronous=FULL.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.close()
