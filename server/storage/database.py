"""Opens and migrates the main database, and lends it out as transactions."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage import sqlite
from server.storage.engines import Engines

Transaction = AsyncConnection
"""What `Database` lends. Callers pass it on to the functions of the tables and write no SQL."""

PostgresUrl = str
"""Like ``postgresql://user:password@host/name``, as libpq knows it."""

T = TypeVar("T")
Work = Callable[[Transaction], Coroutine[None, None, T]]

_THREADS = 4


def migrate(where: Path | PostgresUrl) -> bool:
    """Bring the database to the newest schema; return whether it had to be created.

    The caller holds the server's lock if it does this for a server. Raises `NewerSchema`, and
    `OSError`, `sqlite3.Error` or `SQLAlchemyError` if the database cannot be used.
    """
    if isinstance(where, Path):
        return sqlite.migrate(where)
    from server.storage import postgresql  # noqa: PLC0415 - its driver takes time to load

    return postgresql.migrate(where)


def _connect(where: Path | PostgresUrl) -> Engines:
    if isinstance(where, Path):
        return sqlite.connect(where)
    from server.storage import postgresql  # noqa: PLC0415 - see `migrate`

    return postgresql.connect(where)


class Database:
    """Transactions on the main database: one writer at a time, many readers.

    Each statement in `write` and `read` switches to another thread and back several times. Under
    load each switch takes a while. `write_at_once` and `read_at_once` switch once for all of it.
    """

    def __init__(
        self,
        engines: Engines,
        threads: ThreadPoolExecutor,
        epoch: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Set up the transactions; `epoch` is that in which the server must lead to write."""
        self._engines = engines
        self._threads = threads
        self._epoch = epoch

    def leaders(self, epoch: Callable[[], int | None]) -> "Database":
        """Return the same database for what only the leading server may write.

        `epoch` is that in which it leads, or None where no other server can. Once another leads,
        writing raises what `STORAGE_TROUBLE` names.
        """
        return Database(self._engines, self._threads, epoch)

    async def write_at_once(self, work: Work[T]) -> T:
        """Do `work` as `write` would, in a thread; it awaits nothing but its transaction.

        If this is cancelled, the work is done nevertheless.
        """
        return await self._in_thread(functools.partial(self._write_all, self._begin_write()), work)

    async def read_at_once(self, work: Work[T]) -> T:
        """Do `work` as `read` would, in a thread; it awaits nothing but its transaction."""
        return await self._in_thread(self._read_all, work)

    async def _in_thread(self, do: Callable[[Work[T]], T], work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, do, work)

    def _begin_write(self) -> str:
        epoch = self._epoch()
        begin = self._engines.begin_write
        return begin if epoch is None else f"{begin}; SELECT must_lead({epoch})"

    def _write_all(self, begin: str, work: Work[T]) -> T:
        with self._engines.writing_in_threads.connect() as connection:
            connection.exec_driver_sql(begin)
            result = _do(work, connection)
            connection.commit()
            return result

    def _read_all(self, work: Work[T]) -> T:
        with self._engines.reading_in_threads.connect() as connection:
            if self._engines.begin_read is not None:
                connection.exec_driver_sql(self._engines.begin_read)
            return _do(work, connection)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that takes the write lock at once; commit, or roll back on error."""
        async with self._engines.writing.connect() as connection:
            await connection.exec_driver_sql(self._begin_write())
            try:
                yield connection
            except BaseException:
                await connection.rollback()
                raise
            await connection.commit()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open one consistent view of the whole database, without writing."""
        async with self._engines.reading.connect() as connection:
            if self._engines.begin_read is not None:
                await connection.exec_driver_sql(self._engines.begin_read)
            try:
                yield connection
            finally:
                await connection.rollback()

    async def give_back(self) -> int:
        """Give some of the file's free pages back to the file system; return how many bytes.

        It returns 0 once few enough are left, or if the file was made without `AUTO_VACUUM`.
        PostgreSQL does that by itself.
        """
        if self._engines.writing.dialect.name != "sqlite":
            return 0
        async with self._engines.writing.connect() as connection:
            return await sqlite.give_back(connection)


class _Done:
    """A connection on which a statement is done when it is awaited, for use within a thread.

    It has what the functions of the tables use of an `AsyncConnection`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect

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


@contextlib.asynccontextmanager
async def open_database(where: Path | PostgresUrl) -> AsyncIterator[Database]:
    """Open the database, which `migrate` has created; close it with the context."""
    engines = _connect(where)
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="main database")
    try:
        yield Database(engines, threads)
    finally:
        # What a cancelled task has begun there ends soon, and would not find its database any more.
        threads.shutdown()
        await engines.dispose()
