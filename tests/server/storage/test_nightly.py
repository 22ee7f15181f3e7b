"""A backup each night, after a missed night soon, and after a failure in an hour."""

import logging
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from server.storage.backup.folder import examine
from server.storage.backup.nightly import RETRY_AFTER, Nightly, is_due
from server.storage.journal.journal import open_journal
from tests.builders import event_entry

SUMMER = timezone(timedelta(hours=2))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=SUMMER)


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        (at(2, 3), at(1, 3), True),
        (at(2, 2, 59), at(1, 3), False),
        (at(2, 12), at(2, 3), False),
        (at(2, 12), at(2, 2, 59), True),
        # A night was missed.
        (at(5, 12), at(3, 3), True),
        (at(1, 0), None, True),
    ],
)
def test_it_is_due_when_there_is_none_since_three_in_the_night(
    now: datetime, last: datetime | None, due: bool
) -> None:
    for zone in (SUMMER, UTC):
        assert is_due(now, last and last.astimezone(zone), None) is due


def test_after_a_failure_it_is_due_in_an_hour() -> None:
    now = at(2, 4)
    assert not is_due(now, None, now - RETRY_AFTER + timedelta(seconds=1))
    assert is_due(now, None, now - RETRY_AFTER)


class Nights:
    """A nightly backup of a small installation, at a time that the test says."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder = folder / "backups"
        self.now = datetime.now().astimezone()
        self.nightly = Nightly(database, self.folder, 2, lambda: self.now)

    async def look(self, days: float = 0) -> list[Path]:
        self.now += timedelta(days=days)
        await self.nightly.look()
        return sorted(self.folder.glob("pushlog-*"))


@pytest.fixture
async def nights(tmp_path: Path, database_path: Path) -> AsyncIterator[Nights]:
    async with open_journal(tmp_path / "pushlog-journal.db") as journal:
        await journal.append([event_entry(seq=None, received=None)], None)
        yield Nights(tmp_path, database_path)


async def test_the_first_is_made_at_once_and_the_next_the_next_night(
    nights: Nights, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pushlog")
    (first,) = await nights.look()
    assert examine(first).last_seq == 1
    assert nights.nightly.last is not None
    assert f"[server] Made a backup, {first}: all up to entry 1, " in caplog.text
    assert await nights.look() == [first]
    assert len(await nights.look(1)) == 2
    *kept, newest = await nights.look(1)
    assert first not in kept
    assert len(kept) == 1
    # The times of backups are those of the real clock, which the test does not set.
    assert newest > kept[0]


async def test_a_failure_is_said_once_in_an_hour_and_remembered_until_one_succeeds(
    nights: Nights, caplog: pytest.LogCaptureFixture
) -> None:
    nights.folder.write_text("a file where the folder should be")
    for _ in range(3):
        await nights.nightly.look()
    assert caplog.text.count("[server] no backup was made: ") == 1
    assert nights.nightly.failure is not None
    nights.now += RETRY_AFTER
    await nights.nightly.look()
    assert caplog.text.count("[server] no backup was made: ") == 2
    nights.folder.unlink()
    nights.now += RETRY_AFTER
    assert len(await nights.look()) == 1
    assert nights.nightly.failure is None


async def test_what_the_backup_says_is_the_reason(
    nights: Nights, database_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite3.connect(database_path) as database:
        database.execute("INSERT INTO engine_progress VALUES (1, 7, 7)")
    database.close()
    await nights.nightly.look()
    assert nights.nightly.failure == (
        "main database and journal do not belong together: the journal ends with entry 1, and the "
        "other tells of entry 7"
    )
    assert await nights.look() == []
