"""Opens and migrates the main database, and lends it out as transactions."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.storage.files.free_space import AUTO_VACUUM, pages_to_give_back
from server.storage.files.private_files import keep_private
from server.storage.schema import MIGRATIONS, REVISIONS, read_revision

BUSY_TIMEOUT_MS = 5_000

Transaction = AsyncConnection
"""What `Database` lends. Callers pass it on to the functions of the tables and write no SQL."""

T = TypeVar("T")
Work = Callable[[Transaction], Coroutine[None, None, T]]

_THREADS = 4


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
    """Transactions on the main database: one writer at a time, many readers.

    Each statement in `write` and `read` switches to another thread and back several times. Under
    load each switch takes a while. `write_at_once` and `read_at_once` switch once for all of it.
    """

    def __init__(
        self, engine: AsyncEngine, in_threads: Engine, threads: ThreadPoolExecutor
    ) -> None:
        self._engine = engine
        self._in_threads = in_threads
        self._threads = threads

    async def write_at_once(self, work: Work[T]) -> T:
        """Do `work` as `write` would, in a thread; it awaits nothing but its transaction.

        If this is cancelled, the work is done nevertheless.
        """
        return await self._in_thread(self._write_all, work)

    async def read_at_once(self, work: Work[T]) -> T:
        """Do `work` as `read` would, in a thread; it awaits nothing but its transaction."""
        return await self._in_thread(self._read_all, work)

    async def _in_thread(self, do: Callable[[Work[T]], T], work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, do, work)

    def _write_all(self, work: Work[T]) -> T:
        with self._in_threads.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            result = _do(work, connection)
            connection.commit()
            return result

    def _read_all(self, work: Work[T]) -> T:
        with self._in_threads.connect() as connection:
            connection.exec_driver_sql("BEGIN DEFERRED")
            return _do(work, connection)

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


class _Done:
    """A connection on which a statement is done when it is awaited, for use within a thread.

    It has what the functions of the tables use of an `AsyncConnection`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, *statement: Any) -> Any:
        return self._connection.execute(*statement)

    async def scalar(self, *statement: Any) -> Any:
        return self._connection.scalar(*statement)

    async def scalars(self, *statement: Any) -> Any:
        return self._connection.scalars(*statement)


def _do(work: Work[T], connection: Connection) -> T:
    doing = work(cast("Transaction", _Done(connection)))
    try:
        doing.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    doing.close()
    raise RuntimeError("work in a thread awaits nothing but its transaction")


async def _number(connection: AsyncConnection, pragma: str) -> int:
    return int((await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one())


@contextlib.asynccontextmanager
async def open_database(path: Path) -> AsyncIterator[Database]:
    """Open the database at `path`, which `migrate` has created; close it with the context."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    in_threads = create_engine(f"sqlite:///{path}")
    for each in (engine.sync_engine, in_threads):
        event.listen(each, "connect", _prepare)
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="main database")
    try:
        yield Database(engine, in_threads, threads)
    finally:
        # What a cancelled task has begun there ends soon, and would not find its database any more.
        threads.shutdown()
        in_threads.dispose()
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
