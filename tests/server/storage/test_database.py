"""The main database refuses rows that belong to nothing."""

import pytest
from sqlalchemy.exc import IntegrityError

from server.storage.database import Database
from server.storage.main import incidents


async def test_a_row_of_an_incident_that_does_not_exist_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        async with database.write() as tx:
            await incidents.add_change(tx, "inc-0123456789abcdef", 1, "opened", 0, "")
