"""A journal's file that failed: nobody waits for it, nothing is lost, and it is opened again."""

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.process.background import Background
from server.storage.journal.disk import Disk
from server.storage.journal.entry import JournalUnavailable
from server.storage.journal.file import JournalFile
from server.storage.journal.journal import Journal, open_journal
from tests.builders import event_entry
from tests.waiting import limit, until

MISSING = "SQLite cannot go on .*no such table: (main\\.)?entries"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


async def append(journal: Journal, message: str = "boom", identity: str | None = None) -> int:
    entry = event_entry(seq=None, received=None, message=message)
    return (await journal.append([entry], identity)).seqs[0]


@contextlib.contextmanager
def without_entries(path: Path) -> Iterator[None]:
    """The file lacks its table, until the end."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE entries RENAME TO away")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE away RENAME TO entries")


def move_aside(path: Path) -> Path:
    """The file with what SQLite keeps beside it, under another name; who has it open keeps it."""
    aside = path.with_name("aside.db")
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    return aside


def copied(path: Path, name: str) -> Path:
    """A copy of the database at `path`, whole."""
    copy = path.with_name(name)
    with (
        contextlib.closing(sqlite3.connect(path)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
    return copy


async def test_a_read_after_one_that_failed_is_on_a_new_connection(path: Path) -> None:
    async with open_journal(path) as journal:
        await append(journal, "one")
        await append(journal, "two")
    # Opened anew, so that nothing is in memory.
    async with open_journal(path) as journal:
        assert [entry.seq for entry in await journal.read(0, 10, 10_000)] == [1, 2]
        good = copied(path, "good.db")
        aside = move_aside(path)
        with without_entries(aside):
            with pytest.raises(JournalUnavailable, match=MISSING):
                await journal.read(0, 10, 10_000)
            # What is at the path now is sound; the connection of before would not see it.
            good.rename(path)
            read = await journal.read(0, 10, 10_000)
            assert [entry.seq for entry in read] == [1, 2]
            assert await journal.get(2) == read[1]


async def test_a_file_that_fails_again_is_refused_again_and_read_when_it_is_well(
    path: Path,
) -> None:
    async with open_journal(path) as journal:
        await append(journal)
    async with open_journal(path) as journal:
        with without_entries(path):
            for _ in range(2):
                with pytest.raises(JournalUnavailable, match=MISSING):
                    await journal.read(0, 10, 10_000)
        assert [entry.seq for entry in await journal.read(0, 10, 10_000)] == [1]


async def test_after_a_failed_write_all_are_refused_at_once_until_it_is_time_to_try_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.journal.group_commit.RETRY_AFTER_S", 3_600.0)
    async with open_journal(path) as journal:
        await append(journal)
        with without_entries(path), pytest.raises(JournalUnavailable, match=MISSING) as first:
            await append(journal)
        # The file is well again, and yet it is left alone.
        for _ in range(2):
            with pytest.raises(JournalUnavailable) as refused:
                await append(journal)
            assert str(refused.value) == str(first.value) == journal.trouble
        with pytest.raises(JournalUnavailable, match=MISSING):
            await journal.remove(1)
        assert journal.last_seq == 1


async def test_while_deliveries_are_refused_it_is_tried_whether_that_is_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.journal.journal.TRY_EVERY_S", 0.0)
    async with open_journal(path) as journal, asyncio.TaskGroup() as group:
        trying = group.create_task(journal.try_again())
        await append(journal)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalUnavailable, match="another program has locked the file"):
                await append(journal)
            assert journal.trouble is not None
        await until(lambda: journal.trouble is None)
        trying.cancel()
        assert await append(journal) == 2


async def test_a_try_that_fails_says_why(path: Path) -> None:
    async with open_journal(path) as journal:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await journal.try_once()
            assert "another program has locked the file" in str(journal.trouble)
        await journal.try_once()
        assert journal.trouble is None


async def test_when_it_is_time_the_file_is_opened_again_and_takes_what_comes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.journal.group_commit.RETRY_AFTER_S", 0.0)
    async with open_journal(path) as journal:
        await append(journal, identity="a")
        with without_entries(path), pytest.raises(JournalUnavailable, match=MISSING):
            await append(journal, identity="b")
        # A refused delivery is not remembered, so it may come again.
        assert await append(journal, identity="b") == 2
        assert journal.trouble is None
        assert journal.last_seq == 2
        with without_entries(path), pytest.raises(JournalUnavailable, match=MISSING):
            await append(journal)
        assert await append(journal) == 3


async def test_the_clock_goes_on_where_it_was_after_the_file_was_opened_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.journal.group_commit.RETRY_AFTER_S", 0.0)
    async with open_journal(path) as journal:
        await append(journal)
        with without_entries(path), pytest.raises(JournalUnavailable):
            await append(journal)
        await append(journal)
        stamps = [entry.received for entry in await journal.read(0, 10, 10_000)]
        assert stamps == sorted(stamps)
        assert len(stamps) == 2


async def test_a_writer_that_ends_by_what_nobody_foresaw_leaves_nobody_waiting(
    path: Path,
) -> None:
    free = 1.0

    def share_free(_: Path) -> float:
        if free < 0:
            raise ZeroDivisionError("no disk has less than nothing")
        return free

    now = 0.0
    disk = Disk(path.parent, free_share=share_free, monotonic=lambda: now)
    async with open_journal(path, disk=disk) as journal:
        await append(journal, "one")
        free, now = -1.0, 3_600.0
        answers = [asyncio.ensure_future(append(journal, f"{n}")) for n in range(10)]
        removing = asyncio.ensure_future(journal.remove(1))
        async with limit():
            refused = await asyncio.gather(*answers, removing, return_exceptions=True)
        reason = "its writer has ended: ZeroDivisionError('no disk has less than nothing')"
        assert {str(each) for each in refused} == {reason} == {journal.trouble}
        assert {type(each) for each in refused} == {JournalUnavailable}
        # Nothing can be appended any more; this is reported at once and ends the process.
        with pytest.raises(JournalUnavailable, match="its writer has ended"):
            await append(journal)
        background = Background()
        async with background.running("write the journal", journal.watch()):
            assert isinstance(await background.failed, ZeroDivisionError)
        assert [entry.seq for entry in await journal.read(0, 10, 10_000)] == [1]
    async with open_journal(path) as journal:
        assert await append(journal) == 2


async def test_what_waits_for_a_slow_disk_is_bounded_by_its_bytes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.journal.group_commit.MAX_WAITING_BYTES", 10_000)
    large = "x" * 4_000
    async with open_journal(path) as journal:
        await append(journal)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            # The first is tried at once; of the others two fit.
            appending = [asyncio.create_task(append(journal, large)) for _ in range(8)]
            refused = await asyncio.gather(*appending[3:], return_exceptions=True)
            other.execute("ROLLBACK")
        reasons = {str(each) for each in refused if isinstance(each, JournalUnavailable)}
        assert "the disk is too slow for what comes in" in reasons
        await asyncio.gather(*appending[:3], return_exceptions=True)
        # Whatever its size, one alone is taken, and then there is room again.
        before = journal.last_seq
        assert await append(journal, "x" * 8_000) == before + 1
        assert await append(journal, "x" * 8_000) == before + 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_file_that_cannot_be_used_is_not_kept_open(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE others (id INTEGER)")
    for _ in range(3):
        with pytest.raises(JournalUnavailable, match="no such table: "):
            JournalFile(path, writable=False)
    assert str(path) not in {str(file.readlink()) for file in open_files()}


def open_files() -> list[Path]:
    return [file for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
