"""A journal and a main database that do not belong together are told apart by what each has."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.database import Transaction
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import checkpoints
from server.storage.pair import NotAPair, join_pair
from tests.builders import event_entry

PATH = Path("journal.db")


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """One that has given out six numbers, and has entries 5 and 6 still."""
    async with open_journal(tmp_path / "journal.db") as opened:
        for number in range(6):
            await opened.append([event_entry(None, number, received=None)], None)
        await opened.remove(4)
        yield opened


async def test_a_new_main_database_begins_with_what_the_journal_still_has(
    tx: Transaction, journal: Journal
) -> None:
    await join_pair(tx, journal, PATH)
    assert await checkpoints.progress(tx) == checkpoints.Progress(4, 0)


async def test_a_new_pair_begins_at_the_beginning(tx: Transaction, tmp_path: Path) -> None:
    async with open_journal(tmp_path / "journal.db") as journal:
        await join_pair(tx, journal, PATH)
        await journal.append([event_entry(None, received=None)], None)
        await join_pair(tx, journal, PATH)
    assert await checkpoints.progress(tx) == checkpoints.Progress(0, 0)


@pytest.mark.parametrize(("watermark", "recorded"), [(4, 4), (4, 6), (5, 6), (6, 6)])
async def test_a_main_database_goes_on_where_the_journal_has_what_is_next(
    tx: Transaction, journal: Journal, watermark: int, recorded: int
) -> None:
    await checkpoints.store(tx, watermark, [])
    await checkpoints.set_recorded(tx, recorded)
    await join_pair(tx, journal, PATH)
    assert await checkpoints.progress(tx) == checkpoints.Progress(watermark, recorded)


@pytest.mark.parametrize(
    ("watermark", "recorded", "why"),
    [
        (7, 0, "ends with entry 6, but the main database has decided up to entry 7"),
        (6, 7, "ends with entry 6, but the main database has decided up to entry 7"),
        (3, 3, "begins with entry 5, .* but the engine would go on after entry 3"),
        (0, 1, "begins with entry 5, .* but the engine would go on after entry 0"),
    ],
)
async def test_of_what_is_no_pair_it_is_said_what_is_wrong(
    tx: Transaction, journal: Journal, watermark: int, recorded: int, why: str
) -> None:
    await checkpoints.store(tx, watermark, [])
    await checkpoints.set_recorded(tx, recorded)
    with pytest.raises(NotAPair, match=why):
        await join_pair(tx, journal, PATH)
