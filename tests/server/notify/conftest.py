"""An empty main database of its own, and a person in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage import people
from server.storage.database import Database, migrate, open_database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    path = tmp_path / "main.db"
    migrate(path)
    async with open_database(path) as database:
        async with database.write() as tx:
            await people.make_operator(tx)
        yield database
