"""What removed rows leave in a file is given back to the file system, but for a tenth."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from server.storage.database import Database
from server.storage.files.free_space import AUTO_VACUUM, PAGES_A_STEP, pages_to_give_back
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import decisions
from shared.decisions import Code
from shared.pipe import Decision
from tests.builders import event_entry
from tests.server.storage.conftest import only_sqlite

PAGE = 4096


@pytest.mark.parametrize(
    ("pages", "free", "given"),
    [
        (0, 0, 0),
        (100, 10, 0),
        (100, 11, 1),
        (1000, 350, 250),
        (1000, 351, PAGES_A_STEP),
        (10_000, 9_999, PAGES_A_STEP),
    ],
)
def test_a_step_is_small_and_a_tenth_of_the_file_stays_free(
    pages: int, free: int, given: int
) -> None:
    assert pages_to_give_back(pages, free) == given


def size_of(path: Path) -> int:
    """The bytes of the file, as soon as what was written is in it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def free_share(path: Path) -> float:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        pages, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count")
        )
    return float(free / pages)


async def fill(journal: Journal, count: int) -> None:
    for _ in range(count // 100):
        entry = event_entry(seq=None, received=None, message="x" * 2000)
        await journal.append([entry] * 100, None)


async def test_the_journals_file_shrinks_when_its_events_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with open_journal(path) as journal:
        await fill(journal, 3000)
        full = size_of(path)
        await journal.remove(2900)
        given = 0
        steps = 0
        while bytes_of_step := await journal.give_back():
            given, steps = given + bytes_of_step, steps + 1
            # And the page that kept account of them.
            assert bytes_of_step <= (PAGES_A_STEP + 1) * PAGE
        assert steps > 3
        assert size_of(path) == full - given
        assert size_of(path) < full / 10
        assert 0.05 < free_share(path) < 0.12
        assert [each.seq for each in await journal.read(0, 1000, 10**9)] == list(range(2901, 3001))
        # What stays free is used again before the file grows.
        shrunk = size_of(path)
        await journal.remove(2950)
        await fill(journal, 100)
        assert size_of(path) <= shrunk + 60 * PAGE


async def test_a_journal_made_without_it_keeps_its_size(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE of_before (a)")
    async with open_journal(path) as journal:
        await fill(journal, 500)
        full = size_of(path)
        await journal.remove(499)
        assert await journal.give_back() == 0
        assert size_of(path) == full


@only_sqlite
async def test_the_main_databases_file_shrinks_too(database: Database, database_path: Path) -> None:
    # Numbers that do not compress.
    batch = [
        Decision(seq, Code.KNOWN, None, {f"n{number}": hash((seq, number)) for number in range(20)})
        for seq in range(1, 2001)
    ]
    for start in range(0, 2000, 100):
        async with database.write() as tx:
            await decisions.store(tx, batch[start : start + 100])
    full = size_of(database_path)
    async with database.write() as tx:
        await decisions.remove_batches(tx, 2000, 1000)
    given = 0
    while bytes_of_step := await database.give_back():
        given += bytes_of_step
    assert given > 0
    assert size_of(database_path) == full - given
    assert free_share(database_path) < 0.12
    async with database.read() as tx:
        assert await decisions.get(tx, 2000) == batch[-1]
        assert await decisions.get(tx, 1) is None


def test_a_file_that_can_shrink_says_so_from_the_first_page(database_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(database_path)) as connection:
        (made,) = connection.execute("PRAGMA auto_vacuum").fetchone()
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(AUTO_VACUUM)
        (wanted,) = connection.execute("PRAGMA auto_vacuum").fetchone()
    assert made == wanted
