"""What the engine said is stored as soon as that is possible, and never tried in vain for ever."""

import sqlite3
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from server.storage.journal.entry import JournalEntry
from server.supervisor.protocol import Batch
from server.supervisor.recording import Recording, Unrecordable
from shared.pipe import Outbound
from tests.waiting import limit


class Table:
    """Answers with these errors, one for each try, and then stores."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.tries = 0

    async def record(self, _said: Sequence[Outbound], _entries: Sequence[JournalEntry]) -> None:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)


def refused() -> IntegrityError:
    return IntegrityError("INSERT", {}, sqlite3.IntegrityError("NOT NULL constraint failed"))


def locked() -> OperationalError:
    return OperationalError("BEGIN", {}, sqlite3.OperationalError("database is locked"))


async def test_what_no_table_takes_is_given_up_at_the_first_try() -> None:
    table = Table(refused())
    with pytest.raises(Unrecordable, match=r"cannot be recorded: IntegrityError: .*NOT NULL"):
        await Recording(table.record).store(Batch())
    assert table.tries == 1


async def test_a_database_in_trouble_is_tried_again_until_it_stores() -> None:
    table = Table(locked(), OSError("disk full"))
    recording = Recording(table.record)
    async with limit():
        await recording.store(Batch())
    assert (table.tries, recording.trouble) == (3, None)
