"""A PostgreSQL of the tests' own, and main databases in it to start from."""

import asyncio
import contextlib
import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import psycopg.conninfo
import pytest

from scripts.commands.chaos import postgres_process
from scripts.commands.chaos.postgres_process import Postgres, find_binaries
from server.storage.database import migrate, open_database
from tests.signed_in import let_in
from tests.waiting import LIMIT_S

_TEMPLATE = "migrated"

_NOT_DURABLE = "fsync = off\nfull_page_writes = off\n"
"""It outlives a kill, and need not outlive the machine."""


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A PostgreSQL of its own; the test is skipped where none is installed."""
    if find_binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres_process.running_postgres(_NOT_DURABLE) as postgres:
        yield postgres


def create_migrated(postgres: Postgres) -> str:
    """Create a main database in which only the operator is, let in; return its address."""
    _make_template(postgres)
    return postgres.create(_TEMPLATE)


@functools.cache
def _make_template(postgres: Postgres) -> None:
    url = postgres.create()
    migrate(url)
    with psycopg.connect(url) as connection:
        # On a busy machine, a group of another server may take long.
        connection.execute(
            f"ALTER FUNCTION journal_append SET lock_timeout = '{LIMIT_S:.0f}s'".encode()
        )
    # In a thread, since the caller may have a loop that runs.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _let_operator_in(url)).result()
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    postgres.execute(f"ALTER DATABASE {name} RENAME TO {_TEMPLATE}")


async def _let_operator_in(url: str) -> None:
    async with open_database(url) as database, database.write() as tx:
        await let_in(tx)
