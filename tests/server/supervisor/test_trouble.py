"""A single failure does not end the supervisor: it reports it, waits and goes on."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from server.storage.journal.entry import JournalEntry, JournalUnavailable
from server.storage.journal.journal import Journal
from server.supervisor.child import Child, start_child
from server.supervisor.feeder import Feeder, Window
from server.supervisor.protocol import Conversation
from shared.pipe import Ready
from tests.builders import event_entry
from tests.server.supervisor.scene import HONEST, Scene, scene
from tests.waiting import limit, until


@contextlib.contextmanager
def without_table(path: Path, table: str) -> Iterator[None]:
    """The database at `path` lacks a table, until the end."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO away")
        try:
            yield
        finally:
            connection.execute(f"ALTER TABLE away RENAME TO {table}")


async def test_states_that_cannot_be_read_are_tried_again_and_the_reason_is_shown(
    stage: Scene, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.accept("Boom")
    with without_table(tmp_path / "pushlog.db", "engine_progress"):
        async with stage.supervising() as supervisor:
            await stage.restarted(2)
            status = supervisor.status()
            assert "no such table: engine_progress" in (status.last_exit or "")
            assert (status.last_exit or "").startswith("not started: ")
            assert status.degraded == f"the engine ended: {status.last_exit}"
            assert (supervisor.engine_pid, supervisor.writable) == (None, False)
    async with stage.supervising() as supervisor:
        await stage.decided()
        await stage.until(lambda: supervisor.status().degraded is None)
    assert await stage.counts() == [1]
    assert "ended: not started: " in caplog.text


async def test_a_process_that_cannot_be_made_is_tried_again_until_it_can(
    stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    command = [*HONEST, "x" * 1_000_000]
    await stage.accept("Boom")
    async with stage.supervising(command) as supervisor:
        await stage.restarted(2)
        status = supervisor.status()
        assert status.backlog == 1
        del command[-1]
        await stage.accept("Boom")
        await stage.decided()
        assert supervisor.status().state == "running"
    assert await stage.counts() == [1, 2]
    assert "ended: not started: [Errno 7] Argument list too long" in caplog.text


class BadReads:
    """A journal, the next `failures` reads of which fail; `reads` counts all of them."""

    def __init__(self, journal: Journal, failures: int) -> None:
        self._journal = journal
        self.failures = failures
        self.reads = 0
        self.failed = asyncio.Event()

    @property
    def last_seq(self) -> int:
        return self._journal.last_seq

    async def wait_beyond(self, seq: int) -> None:
        await self._journal.wait_beyond(seq)

    async def read(self, after_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        self.reads += 1
        if self.failures:
            self.failures -= 1
            self.failed.set()
            raise JournalUnavailable("the disk cannot be read or written")
        return await self._journal.read(after_seq, limit, max_bytes)


@contextlib.asynccontextmanager
async def fed(
    journal: Journal | BadReads, *command: str, window: Window
) -> AsyncIterator[tuple[Child, Conversation]]:
    """A child that says nothing by itself, and is fed with the journal."""
    child = await start_child(command, lambda _: None)
    conversation = Conversation(0)
    conversation.hear(Ready("test"), 10)
    feeder = Feeder(
        child,
        conversation,
        cast("Journal", journal),
        window=window,
        one_by_one_to=0,
        record_each=False,
    )
    feeding = asyncio.create_task(feeder.feed())
    try:
        yield child, conversation
    finally:
        feeding.cancel()
        await child.kill()
        await child.close()


async def test_a_read_of_the_journal_that_fails_is_said_and_not_tried_again_in_a_circle(
    stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.accept("Boom", "Boom")
    journal = BadReads(stage.journal, 100)
    async with fed(journal, "/bin/cat", window=Window()) as (child, conversation):
        await journal.failed.wait()
        for _ in range(20):
            # One turn of the loop each: a busy loop of retries would be done by now.
            await asyncio.sleep(0)
        assert journal.reads < 20
        assert "cannot read the journal: the disk cannot be read or written" in caplog.text
        assert not conversation.in_flight
        journal.failures = 0
        async with limit():
            lines = await child.read_lines()
        assert lines is not None
        assert isinstance(lines[0], bytes)
        assert lines[0].startswith(b'{"type":"event","seq":1,')
        assert list(conversation.in_flight) == [1, 2]
        assert journal.reads < 20


async def test_no_more_is_read_than_a_child_that_reads_nothing_has_room_for(stage: Scene) -> None:
    for _ in range(40):
        entry = event_entry(seq=None, received=None, tags={f"k{n}": "v" * 200 for n in range(100)})
        await stage.journal.append([entry] * 20, None)
    window = Window(size_bytes=1024 * 1024 * 1024)
    async with fed(stage.journal, "/bin/sleep", "1000", window=window) as (_, conversation):
        await until(lambda: conversation.in_flight_bytes > 1024 * 1024)
        for _ in range(40):
            # Each takes as long as one of the feeder's would.
            await stage.journal.read(0, 800, 512 * 1024)
        assert conversation.in_flight_bytes < 4 * 1024 * 1024
        assert len(conversation.in_flight) < stage.journal.last_seq / 2


async def test_entries_that_cannot_be_read_for_a_while_are_decided_after_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene(tmp_path) as before:
        await before.accept(*["Boom"] * 3)
    # Opened anew, so that they are read from the file and not from memory.
    async with scene(tmp_path) as stage, stage.supervising() as supervisor:
        with without_table(tmp_path / "pushlog-journal.db", "entries"):
            await stage.until(lambda: "cannot read the journal" in caplog.text)
            await stage.running()
        await stage.decided()
        assert supervisor.status().restarts == 0
        assert await stage.counts() == [1, 2, 3]
