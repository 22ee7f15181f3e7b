"""What the journal has confirmed is there once, in one order, however the process ends."""

import asyncio
import contextlib
import itertools
import resource
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from server.storage.files.file_lock import InUse
from server.storage.journal.disk import Disk
from server.storage.journal.entry import JournalEntry, JournalUnavailable
from server.storage.journal.journal import Journal, open_journal
from server.storage.journal.shared import open_shared_journal
from shared.pipe import Entry, EventEntry, decode_inbound
from tests.builders import at, event_entry, resolve
from tests.postgresql import create_migrated
from tests.processes import ROOT
from tests.waiting import limit

DAY = 24 * 3600 * 1_000_000
NOW = 1_700_000_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


Opening = Callable[[], contextlib.AbstractAsyncContextManager[Journal]]


@pytest.fixture(params=["sqlite", "postgresql"])
def opened_again(request: pytest.FixtureRequest, path: Path) -> Opening:
    """Opens the same journal each time, of each kind."""
    if request.param == "sqlite":
        return lambda: open_journal(path)
    url = create_migrated(request.getfixturevalue("postgres"))
    return lambda: open_shared_journal(url)


@pytest.fixture
async def journal(opened_again: Opening) -> AsyncIterator[Journal]:
    async with opened_again() as opened:
        yield opened


async def read_all(journal: Journal) -> list[JournalEntry]:
    return await journal.read(0, 1_000_000, 1_000_000_000)


def entry(message: str = "boom") -> EventEntry:
    return event_entry(seq=None, received=None, message=message)


async def test_entries_are_read_as_they_were_appended(journal: Journal) -> None:
    entries: list[Entry] = [entry("one"), entry("two")]
    appended = await journal.append(entries, None)
    assert appended.seqs == (1, 2)
    assert not appended.duplicate
    read = await read_all(journal)
    assert [each.seq for each in read] == [1, 2]
    assert [decode_inbound(each.body) for each in read] == entries
    assert all(each.body.startswith(b'{"type":"event",') for each in read)


async def test_entries_are_read_back_from_the_newest_within_their_bounds(journal: Journal) -> None:
    await journal.append([entry(str(number)) for number in range(5)], None)
    everything = await read_all(journal)
    assert await journal.read_back(6, 10, 1_000_000) == everything[::-1]
    assert await journal.read_back(4, 2, 1_000_000) == [everything[2], everything[1]]
    assert await journal.read_back(4, 10, 1) == [everything[2]]
    assert await journal.read_back(1, 10, 1_000_000) == []


async def test_a_delivery_is_found_by_its_identity(journal: Journal) -> None:
    await journal.append([entry()], None)
    await journal.append([entry(), entry()], "delivery")
    assert await journal.find("delivery") == 2
    assert await journal.find("another") is None


async def test_what_was_appended_is_there_after_a_restart(opened_again: Opening) -> None:
    async with opened_again() as journal:
        await journal.append([entry("one")], None)
    async with opened_again() as journal:
        assert journal.last_seq == 1
        assert (await journal.append([entry("two")], None)).seqs == (2,)
        messages = [decode_inbound(each.body) for each in await read_all(journal)]
    assert messages == [entry("one"), entry("two")]


async def test_numbers_are_not_given_again_after_old_entries_are_removed(path: Path) -> None:
    async with open_journal(path) as journal:
        await journal.append([entry(), entry()], None)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM entries")
    async with open_journal(path) as journal:
        assert journal.last_seq == 2
        assert (await journal.append([entry()], None)).seqs == (3,)


async def test_a_delivery_that_comes_again_is_a_duplicate_and_appends_nothing(
    opened_again: Opening,
) -> None:
    async with opened_again() as journal:
        await journal.append([entry()], None)
        first = await journal.append([entry(), entry()], "delivery")
        again = await journal.append([entry(), entry()], "delivery")
        assert again.duplicate
        assert again.seqs == first.seqs[:1]
    async with opened_again() as journal:
        assert (await journal.append([entry()], "delivery")).duplicate
        assert journal.last_seq == 3


async def test_deliveries_that_arrive_together_are_told_apart_by_identity(
    journal: Journal,
) -> None:
    answers = await asyncio.gather(*(journal.append([entry()], f"{n % 10}") for n in range(100)))
    assert sum(not answer.duplicate for answer in answers) == 10
    assert len(await read_all(journal)) == 10


async def test_what_has_no_identity_is_new_each_time(journal: Journal) -> None:
    answers = await asyncio.gather(*(journal.append([entry()], None) for _ in range(20)))
    assert sorted(answer.seqs for answer in answers) == [(n,) for n in range(1, 21)]


async def test_an_identity_is_forgotten_after_a_day(path: Path) -> None:
    now = NOW
    async with open_journal(path, wall=lambda: now, monotonic=lambda: now) as journal:
        await journal.append([entry()], "delivery")
        now += DAY - 1
        assert (await journal.append([entry()], "delivery")).duplicate
        now += 1
        assert not (await journal.append([entry()], "delivery")).duplicate


async def test_expired_identities_do_not_pile_up(path: Path) -> None:
    now = NOW
    async with open_journal(path, wall=lambda: now, monotonic=lambda: now) as journal:
        for day in range(8):
            await asyncio.gather(*(journal.append([entry()], f"{day}/{n}") for n in range(1_000)))
            now += DAY
    with contextlib.closing(sqlite3.connect(path)) as connection:
        ((kept,),) = connection.execute("SELECT count(*) FROM identities")
    assert kept < 2_500


async def test_entries_that_wait_together_share_a_commit(journal: Journal) -> None:
    await asyncio.gather(*(journal.append([entry()], None) for _ in range(500)))
    assert len({each.received for each in await read_all(journal)}) < 100


async def test_times_never_go_back_even_when_the_clock_is_set_back_over_a_restart(
    path: Path,
) -> None:
    wall = NOW
    for hours in (0, -2, 5, -30):
        wall += hours * 3600 * 1_000_000
        async with open_journal(path, wall=itertools.repeat(wall).__next__) as journal:
            await journal.append([entry()], None)
            await journal.append([entry()], None)
            stamps = [each.received for each in await read_all(journal)]
            assert stamps == sorted(stamps)


async def test_no_entry_is_stamped_earlier_than_a_time_that_was_told(journal: Journal) -> None:
    for seq in range(1, 50):
        told = await journal.settled(seq - 1) or 0
        appending = asyncio.create_task(journal.append([entry()], None))
        while journal.last_seq < seq:
            told = await journal.settled(seq - 1) or told
            await asyncio.sleep(0)
        await appending
        appended = await journal.get(seq)
        assert appended is not None
        assert 0 < told <= appended.received
        assert (await journal.settled(seq) or 0) >= appended.received


async def test_reading_keeps_to_its_bounds_and_always_gives_one(opened_again: Opening) -> None:
    async with opened_again() as journal:
        for _ in range(10):
            await journal.append([entry("x" * 1_000)], None)
        await assert_bounds(journal)
    async with opened_again() as journal:
        # Now from the file, not from memory.
        await assert_bounds(journal)


async def assert_bounds(journal: Journal) -> None:
    assert [each.seq for each in await journal.read(3, 2, 1_000_000)] == [4, 5]
    size = sum(len(each.body) for each in await journal.read(3, 2, 1_000_000))
    assert [each.seq for each in await journal.read(3, 100, size)] == [4, 5]
    assert [each.seq for each in await journal.read(3, 100, size - 1)] == [4]
    assert [each.seq for each in await journal.read(3, 100, 1)] == [4]
    assert await journal.read(10, 100, 1_000) == []


async def test_what_left_the_memory_is_read_from_the_file(
    opened_again: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.journal.journal.TAIL_BYTES", 5_000)
    async with opened_again() as journal:
        for n in range(20):
            await journal.append([entry(f"{n} {'x' * 900}")], None)
        seqs: list[int] = []
        while found := await journal.read(len(seqs), 3, 1_000_000):
            seqs.extend(each.seq for each in found)
        assert seqs == list(range(1, 21))


async def test_one_entry_is_found_by_its_number(journal: Journal) -> None:
    await journal.append([resolve(seq=None, received=None)], None)
    found = await journal.get(1)
    assert found is not None
    assert found.seq == 1
    assert await journal.get(2) is None
    assert await journal.get(0) is None


async def test_the_last_number_before_a_moment_is_found_with_gaps_and_equal_times(
    path: Path,
) -> None:
    async with open_journal(path) as journal:
        assert await journal.seqs_before([NOW]) == [0]
    times = [NOW + step * 1_000 for step in (0, 0, 0, 1, 5, 5, 9, 20, 20, 21)]
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO entries (received, body) VALUES (?, '{}')", [(time,) for time in times]
        )
        connection.execute("DELETE FROM entries WHERE seq IN (5, 6, 9)")
    kept = [(seq, time) for seq, time in enumerate(times, 1) if seq not in (5, 6, 9)]
    moments = [NOW + step * 500 for step in range(-2, 50)]
    expected = [max((seq for seq, time in kept if time < moment), default=0) for moment in moments]
    async with open_journal(path) as journal:
        assert await journal.seqs_before(moments) == expected


async def test_of_times_whose_entries_are_removed_no_number_is_told(path: Path) -> None:
    async with open_journal(path, wall=lambda: NOW) as journal:
        await journal.append([entry(), entry()], None)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM entries WHERE seq = 1")
    async with open_journal(path) as journal:
        (kept,) = await journal.read(1, 10, 10**6)
        moments = [NOW - 1, kept.received, kept.received + 1, NOW + DAY]
        assert await journal.seqs_before(moments) == [None, None, 2, 2]
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM entries")
    async with open_journal(path) as journal:
        assert await journal.seqs_before([NOW, NOW + DAY]) == [None, None]


async def test_whoever_waits_hears_of_a_new_entry(journal: Journal) -> None:
    waiting = asyncio.create_task(journal.wait_beyond(1))
    await journal.append([entry()], None)
    assert not waiting.done()
    await journal.append([entry()], None)
    async with limit():
        await waiting


async def test_an_entry_brings_no_number_of_its_own(journal: Journal) -> None:
    with pytest.raises(ValueError, match="the journal's to give"):
        await journal.append([event_entry(seq=7)], None)
    with pytest.raises(ValueError, match="the journal's to give"):
        await journal.append([event_entry(seq=None, received=at(0))], None)


async def test_a_second_server_on_one_file_is_refused(path: Path) -> None:
    async with open_journal(path):
        with pytest.raises(InUse, match=r"in use by another server \(process \d+\)"):
            async with open_journal(path):
                pass


HOLD = """
import asyncio, pathlib, sys
from server.storage.journal.journal import open_journal
async def main():
    async with open_journal(pathlib.Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_a_killed_server_leaves_the_file_to_the_next(path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    with pytest.raises(InUse, match=f"process {process.pid}"):
        async with open_journal(path):
            pass
    process.send_signal(signal.SIGKILL)
    await process.wait()
    async with open_journal(path) as journal:
        await journal.append([entry()], None)


async def test_the_last_part_of_the_disk_is_left_alone(path: Path) -> None:
    free = 0.04
    now = 0.0
    disk = Disk(path.parent, free_share=lambda _: free, monotonic=lambda: now)
    async with open_journal(path, disk=disk) as journal:
        with pytest.raises(JournalUnavailable, match="disk is full"):
            await journal.append([entry()], "delivery")
        assert journal.last_seq == 0
        assert journal.trouble == "the disk is full but for the last 5%"
        free, now = 0.06, 1.0
        assert not (await journal.append([entry()], "delivery")).duplicate
        assert journal.trouble is None


async def test_a_file_that_cannot_grow_refuses_until_it_can(path: Path) -> None:
    async with open_journal(path) as journal:
        await journal.append([entry()], None)
        with (
            files_no_larger_than(100_000),
            # It fails as it does on a disk that is full.
            pytest.raises(JournalUnavailable, match="disk"),
        ):
            await append_much(journal)
        taken = journal.last_seq
        await eventually_appends(journal)
        assert journal.last_seq == taken + 1
        assert len(await read_all(journal)) == taken + 1


async def append_much(journal: Journal) -> None:
    for _ in range(100):
        await journal.append([entry("x" * 8_000)], None)


@contextlib.contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def eventually_appends(journal: Journal) -> None:
    async with limit():
        while True:
            try:
                await journal.append([entry()], None)
            except JournalUnavailable:
                continue
            return


async def test_a_locked_file_refuses_until_it_is_given_back(path: Path) -> None:
    async with open_journal(path) as journal:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalUnavailable, match="another program has locked"):
                await journal.append([entry()], "delivery")
            other.execute("ROLLBACK")
        assert not (await journal.append([entry()], "delivery")).duplicate


async def test_a_corrupt_file_is_named_and_nothing_is_taken(path: Path) -> None:
    async with open_journal(path) as journal:
        await asyncio.gather(*(journal.append([entry()], f"{n}") for n in range(2_000)))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 60_000)
    with pytest.raises(JournalUnavailable, match="corrupt"):
        async with open_journal(path) as journal:
            await journal.append([entry()], "new")


async def test_a_file_that_is_no_database_is_not_touched(diary: Path) -> None:
    before = await asyncio.to_thread(diary.read_bytes)
    with pytest.raises(JournalUnavailable, match="no SQLite database"):
        async with open_journal(diary):
            pass
    assert await asyncio.to_thread(diary.read_bytes) == before


@pytest.fixture
def diary(path: Path) -> Path:
    path.write_bytes(b"a diary, not a journal\n" * 100)
    return path


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalUnavailable, match="folder cannot be written"):
        async with open_journal(tmp_path / "file" / "journal.db"):
            pass


async def test_what_was_asked_before_the_end_is_still_written(opened_again: Opening) -> None:
    async with opened_again() as journal:
        appending = [asyncio.create_task(journal.append([entry()], None)) for _ in range(50)]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*appending)
    async with opened_again() as journal:
        assert journal.last_seq == len(answers) == 50
