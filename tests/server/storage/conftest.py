"""What tests of the tables share: both kinds of database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.database import Database, Transaction, open_database
from server.storage.journal import shared
from tests.databases import make_database
from tests.postgresql import create_migrated
from tests.waiting import LIMIT_S

only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For tests of what only a file has."""


@pytest.fixture(autouse=True)
def patient_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared journal that waits for PostgreSQL as long as a busy machine needs."""
    monkeypatch.setattr(shared, "APPEND_TIMEOUT_S", LIMIT_S)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """An empty main database, in which only the operator is, of each kind."""
    where: Path | str
    if request.param == "sqlite":
        where = make_database(request.getfixturevalue("tmp_path") / "pushlog.db")
    else:
        where = create_migrated(request.getfixturevalue("postgres"))
    async with open_database(where) as opened:
        yield opened


@pytest.fixture
async def tx(database: Database) -> AsyncIterator[Transaction]:
    """One transaction on an empty database."""
    async with database.write() as transaction:
        yield transaction
