"""Old data is removed, except what is still needed."""

import asyncio
import contextlib
import logging
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from server.process.metrics import Metrics
from server.settings.settings import read_settings
from server.storage import retention
from server.storage.database import Database
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import checkpoints, decisions, entry_ids
from server.storage.main.entry_ids import Stretch
from server.storage.retention import Retention
from shared.decisions import Code
from shared.pipe import Decision
from tests.builders import event_entry
from tests.clock import Clock
from tests.waiting import until


class Scene:
    """Both databases, what is to be kept of them, and the time."""

    def __init__(self, journal: Journal, database: Database, clock: Clock, path: Path) -> None:
        self.journal = journal
        self.database = database
        self.clock = clock
        self.path = path
        self.metrics = Metrics()
        self.retention = self.keeping({})

    def keeping(self, settings: Mapping[str, str]) -> Retention:
        return Retention(
            read_settings(settings), self.journal, self.database, self.metrics, self.clock.micros
        )

    async def receive(self, count: int, size: int = 10) -> None:
        """So many events, all of them decided at once."""
        first = self.journal.last_seq + 1
        entry = event_entry(seq=None, received=None, message="x" * size)
        await self.journal.append([entry] * count, None)
        said = [Decision(seq, Code.KNOWN) for seq in range(first, first + count - 1)]
        said.append(Decision(first + count - 1, Code.OPENED, incident_id="inc-0123456789abcdef"))
        async with self.database.write() as tx:
            await decisions.store(tx, said)

    async def checkpoint(self, seq: int) -> None:
        async with self.database.write() as tx:
            await checkpoints.store(tx, seq, [])

    async def tidy(self) -> None:
        """Two rounds: the first one sees how far the states reach."""
        await self.retention.tidy()
        await self.retention.tidy()

    async def entries(self) -> list[int]:
        return [entry.seq for entry in await self.journal.read(0, 1_000_000, 10**9)]

    async def decided(self, *seqs: int) -> list[int]:
        """Those of `seqs` of which the decision is known."""
        async with self.database.read() as tx:
            return [seq for seq in seqs if await decisions.get(tx, seq) is not None]


@pytest.fixture
async def scene(tmp_path: Path, database: Database, clock: Clock) -> AsyncIterator[Scene]:
    path = tmp_path / "pushlog-journal.db"
    async with open_journal(path, wall=clock.micros, monotonic=clock.micros) as journal:
        yield Scene(journal, database, clock, path)


async def test_old_events_go_with_their_decisions_and_younger_ones_stay(scene: Scene) -> None:
    await scene.receive(3)
    scene.clock.pass_days(20)
    await scene.receive(3)
    scene.clock.pass_days(11)
    await scene.receive(3)
    await scene.checkpoint(9)
    await scene.tidy()
    assert await scene.entries() == [4, 5, 6, 7, 8, 9]
    assert await scene.decided(1, 2, 3, 4, 9) == [4, 9]
    assert await scene.journal.get(3) is None


async def test_an_event_goes_when_it_is_older_than_it_may_be_not_when_it_is_as_old(
    scene: Scene,
) -> None:
    await scene.receive(1)
    scene.clock.pass_days(30)
    await scene.receive(1)
    await scene.checkpoint(2)
    await scene.tidy()
    assert await scene.entries() == [1, 2]


async def test_what_the_engine_would_be_given_again_stays_however_old_it_is(scene: Scene) -> None:
    await scene.receive(6)
    scene.clock.pass_days(400)
    await scene.receive(1)
    await scene.checkpoint(4)
    await scene.tidy()
    assert await scene.entries() == [5, 6, 7]


async def test_a_checkpoint_counts_only_from_the_round_after_it_was_seen(scene: Scene) -> None:
    await scene.receive(6)
    scene.clock.pass_days(400)
    await scene.receive(1)
    await scene.checkpoint(2)
    await scene.tidy()
    await scene.checkpoint(5)
    await scene.retention.tidy()
    assert (await scene.entries())[0] == 3
    await scene.retention.tidy()
    assert (await scene.entries())[0] == 6


async def test_the_newest_event_stays_and_the_journal_goes_on_from_it(scene: Scene) -> None:
    await scene.receive(4)
    await scene.checkpoint(4)
    scene.retention = scene.keeping({"RETENTION_MAX_JOURNAL_MB": "100"})
    assert await scene.journal.remove(10) == 3
    assert await scene.journal.remove(10) == 0
    scene.clock.pass_days(1)
    await scene.receive(1)
    assert await scene.entries() == [4, 5]


async def test_a_clock_that_is_set_wrongly_removes_nothing_while_nothing_comes(
    scene: Scene,
) -> None:
    await scene.receive(5)
    await scene.checkpoint(5)
    scene.clock.pass_days(4_000)
    await scene.tidy()
    assert await scene.entries() == [1, 2, 3, 4, 5]


async def test_a_journal_that_is_too_large_loses_its_oldest_events(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pushlog")
    scene.retention = scene.keeping({"RETENTION_MAX_JOURNAL_MB": "100"})
    for _ in range(14):
        await scene.receive(1_000, size=8_000)
    await scene.checkpoint(14_000)
    assert await scene.journal.used_bytes() > 110_000_000
    await scene.tidy()
    assert 95_000_000 < await scene.journal.used_bytes() <= 100_000_000
    kept = await scene.entries()
    assert kept == list(range(kept[0], 14_001))
    assert f"[server] Removed what is old: entries {kept[0] - 1:,}, " in caplog.text


async def test_a_journal_that_must_stay_too_large_is_told_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.retention = scene.keeping({"RETENTION_MAX_JOURNAL_MB": "100"})
    for _ in range(14):
        await scene.receive(1_000, size=8_000)
    await scene.retention.tidy()
    assert caplog.text == ""
    await scene.tidy()
    assert len(await scene.entries()) == 14_000
    assert caplog.text.count("more than RETENTION_MAX_JOURNAL_MB") == 1


async def test_events_are_accepted_while_old_ones_go(scene: Scene) -> None:
    await scene.receive(20_000)
    await scene.checkpoint(20_000)
    scene.clock.pass_days(31)
    await scene.receive(1)
    await scene.retention.tidy()
    removing = asyncio.create_task(scene.retention.tidy())
    appended: list[int] = []
    while not removing.done():
        entry = event_entry(seq=None, received=None)
        appended += (await scene.journal.append([entry], None)).seqs
    await removing
    assert await scene.entries() == [20_001, *appended]


async def test_a_journal_from_which_goes_what_comes_does_not_grow(scene: Scene) -> None:
    sizes = []
    for _ in range(10):
        await scene.receive(1_000, size=1_500)
        await scene.checkpoint(scene.journal.last_seq)
        scene.clock.pass_days(10)
        await scene.receive(1)
        await scene.tidy()
        sizes.append(pages(scene.path))
    assert sizes[2] > 2 * sizes[0]
    assert max(sizes[4:]) <= 1.05 * sizes[4]


async def test_the_size_of_the_journal_is_known_before_anything_may_go(scene: Scene) -> None:
    await scene.receive(1)
    await scene.retention.tidy()
    assert sample(scene, "pushlog_journal_bytes") > 0


async def test_what_went_is_logged_and_counted(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pushlog")
    await scene.receive(3)
    async with scene.database.write() as tx:
        for stretch in (Stretch(1, 3), Stretch(4, 6)):
            await entry_ids.store(tx, stretch, {"4711"})
    await scene.checkpoint(3)
    scene.clock.pass_days(31)
    await scene.receive(1)
    await scene.tidy()
    assert (
        "[server] Removed what is old: entries 3, decision_batches 1, notable_decisions 1, "
        "entry_ids 1" in caplog.text
    )
    async with scene.database.read() as tx:
        assert await entry_ids.newest_with(tx, "4711", 7) == Stretch(4, 6)
        assert await entry_ids.newest_with(tx, "4711", 4) is None
    assert sample(scene, "pushlog_removed_total", table="entries") == 3
    assert sample(scene, "pushlog_journal_bytes") > 0
    caplog.clear()
    await scene.tidy()
    assert caplog.text == ""


async def test_the_room_of_what_went_is_given_back_and_said_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await scene.receive(1000, size=2000)
    scene.clock.pass_days(31)
    await scene.receive(1)
    await scene.checkpoint(1001)
    await scene.tidy()
    said = re.findall(r"Gave (\S+) MB of free space back to the file system", caplog.text)
    assert len(said) == 1
    assert float(said[0]) > 1.5
    caplog.clear()
    await scene.tidy()
    assert "free space" not in caplog.text


class FakeDisk:
    """A disk that is short of as many bytes as the file must still become smaller."""

    def __init__(self, path: Path, wanted: int) -> None:
        self.path = path
        self.wanted = wanted

    def missing(self, folder: Path) -> int:
        assert folder == Path("data")
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
        return max(0, int(pages) * 4096 - self.wanted)


async def test_on_a_disk_that_is_nearly_full_events_go_early_until_there_is_room(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10):
        await scene.receive(100, size=4000)
        scene.clock.pass_days(0.1)
    scene.clock.pass_days(2)
    await scene.receive(100, size=4000)
    await scene.checkpoint(1100)
    disk = FakeDisk(scene.path, wanted=3_000_000)
    scene.retention = Retention(
        read_settings({}),
        scene.journal,
        scene.database,
        scene.metrics,
        scene.clock.micros,
        disk.missing,
    )
    await scene.tidy()
    kept = await scene.entries()
    assert 400 < len(kept) < 600
    assert kept[-1] == 1100
    assert disk.missing(Path("data")) == 0
    assert caplog.text.count("less than 10% of the disk is free") == 1
    # There is room: nothing more goes.
    await scene.tidy()
    assert await scene.entries() == kept
    # If others fill the disk, the events of the last day stay.
    disk.wanted = 0
    await scene.tidy()
    assert await scene.entries() == list(range(1001, 1101))


async def test_a_journal_that_cannot_shrink_loses_nothing_for_the_disk(
    tmp_path: Path, database: Database, clock: Clock
) -> None:
    path = tmp_path / "of-before.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE of_before (a)")
    async with open_journal(path, wall=clock.micros, monotonic=clock.micros) as journal:
        scene = Scene(journal, database, clock, path)
        await scene.receive(100)
        clock.pass_days(2)
        await scene.receive(1)
        await scene.checkpoint(101)
        scene.retention = Retention(
            read_settings({}), journal, database, scene.metrics, clock.micros, lambda _: 10**9
        )
        await scene.tidy()
        assert len(await scene.entries()) == 101


async def test_a_database_that_is_locked_ends_no_round_for_good(
    scene: Scene, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROUND_EVERY_S", 0.01)
    await scene.receive(3)
    await scene.checkpoint(3)
    scene.clock.pass_days(31)
    await scene.receive(1)
    running = asyncio.create_task(scene.retention.run())
    try:
        async with scene.database.write():
            await until(lambda: "what is old cannot be removed now: " in caplog.text)
        await until(lambda: sample(scene, "pushlog_removed_total", table="decision_batches") == 1)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def sample(scene: Scene, name: str, **labels: str) -> float:
    return scene.metrics.registry.get_sample_value(name, labels) or 0


def pages(path: Path) -> int:
    """How long the file is once its log is folded in."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])
