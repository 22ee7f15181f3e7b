"""What every test can use."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import settings

from scripts.commands.chaos.postgres_process import Postgres
from server.storage.database import Database, open_database
from tests.clock import Clock
from tests.databases import make_database
from tests.postgresql import create_migrated, running_postgres
from tests.processes import EngineProcess, ServerProcess, running_engine, running_server
from tests.signed_in import AS_OPERATOR

# How long an example takes says more about the machine's other work than about our code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server with the default settings and an empty database of its own."""
    async with running_server(tmp_path) as process:
        yield process


@pytest.fixture
async def engine() -> AsyncIterator[EngineProcess]:
    """An engine without a server."""
    async with running_engine() as process:
        yield process


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A program of the operator's."""
    async with aiohttp.ClientSession(headers=AS_OPERATOR) as session:
        yield session


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for all tests of this process."""
    with running_postgres() as running:
        yield running


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """The address of an empty main database in it, in which only the operator is."""
    return create_migrated(postgres)


@pytest.fixture
def database_path(tmp_path: Path) -> Path:
    """The file of an empty main database, in which only the operator is."""
    return make_database(tmp_path / "pushlog.db")


@pytest.fixture
async def database(database_path: Path) -> AsyncIterator[Database]:
    """The same, open."""
    async with open_database(database_path) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    """Time that passes only when the test says so."""
    return Clock()
