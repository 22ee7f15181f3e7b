"""What tests of the tables share."""

from collections.abc import AsyncIterator

import pytest

from server.storage.database import Database, Transaction


@pytest.fixture
async def tx(database: Database) -> AsyncIterator[Transaction]:
    """One transaction on an empty database."""
    async with database.write() as transaction:
        yield transaction
