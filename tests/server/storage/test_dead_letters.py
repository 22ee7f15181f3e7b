"""The table of dead letters: paged, settled once, and kept for as long as the engine may ask."""

import pytest

from server.storage.database import Transaction
from server.storage.journal.entry import JournalEntry
from server.storage.main import dead_letters
from server.storage.main.dead_letters import Fate

NOW = 1_700_000_000_000_000


@pytest.fixture(autouse=True)
async def letters(tx: Transaction) -> None:
    """Entries 1 to 4, received one microsecond after the other."""
    for seq in range(1, 5):
        await dead_letters.bury(tx, JournalEntry(seq, NOW + seq, b'{"n":1}'), "it died", NOW)


async def page(
    tx: Transaction, before: int | None, limit: int = 9, state: Fate | None = None
) -> list[int]:
    return [each.seq for each in await dead_letters.newest(tx, before, limit, state)]


async def test_a_page_begins_before_a_letter_and_holds_the_newest(tx: Transaction) -> None:
    assert await page(tx, None, 2) == [4, 3]
    assert await page(tx, 3, 2) == [2, 1]
    await dead_letters.mark_discarded(tx, 2)
    assert await page(tx, None, state="waiting") == [4, 3, 1]
    assert await page(tx, None, state="discarded") == [2]
    assert await dead_letters.counts(tx) == {"waiting": 3, "replayed": 0, "discarded": 1}


async def test_a_letter_is_settled_once(tx: Transaction) -> None:
    assert await dead_letters.mark_replayed(tx, 1, 9)
    assert not await dead_letters.mark_discarded(tx, 1)
    assert not await dead_letters.mark_replayed(tx, 5, 9)
    letter = await dead_letters.get(tx, 1)
    assert letter is not None
    assert (letter.state, letter.replayed_as, letter.entry) == ("replayed", 9, b'{"n":1}')


async def test_what_is_buried_twice_stays_as_it_was(tx: Transaction) -> None:
    await dead_letters.mark_discarded(tx, 1)
    await dead_letters.bury(tx, JournalEntry(1, NOW, b"{}"), "again", NOW + 1)
    letter = await dead_letters.get(tx, 1)
    assert letter is not None
    assert (letter.state, letter.reason, letter.size_bytes) == ("discarded", "it died", 7)


async def test_entries_after_a_number_are_kept_from_the_engine(tx: Transaction) -> None:
    assert sorted(await dead_letters.seqs_after(tx, 2)) == [3, 4]


async def test_only_settled_letters_that_are_old_and_below_the_watermark_are_removed(
    tx: Transaction,
) -> None:
    for seq in (1, 2, 4):
        await dead_letters.mark_discarded(tx, seq)
    # 2 was received exactly then, 3 still waits, and 4 is beyond the watermark.
    assert await dead_letters.remove_old(tx, NOW + 2, watermark=9, limit=9) == 1
    assert await page(tx, None) == [4, 3, 2]
    assert await dead_letters.remove_old(tx, NOW + 9, watermark=2, limit=9) == 1
    assert await page(tx, None) == [4, 3]
    assert await dead_letters.remove_old(tx, NOW + 9, watermark=3, limit=9) == 0
    assert await dead_letters.remove_old(tx, NOW + 9, watermark=4, limit=0) == 0
    assert await dead_letters.remove_old(tx, NOW + 9, watermark=4, limit=1) == 1
    assert await page(tx, None) == [3]
