"""A supervisor with a real journal, a real database and a real child, and what tests ask of it."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from server.process.backoff import Backoff
from server.storage.database import Database, open_database
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import checkpoints, dead_letters
from server.storage.main.checkpoints import Progress
from server.storage.main.dead_letters import WholeDeadLetter
from server.supervisor.feeder import Window
from server.supervisor.session import Limits
from server.supervisor.supervisor import LONGEST_RESTART_S, Supervisor
from shared.pipe import Decision
from tests.builders import event_entry
from tests.databases import make_database
from tests.server.supervisor.recordings import Recordings
from tests.waiting import LIMIT_S, limit, until

HONEST = (sys.executable, "-m", "tests.fakes.engines.honest")

QUICK = Limits(tick_every_s=0.05, ping_every_s=0.05)
"""Like the server's own, but nobody has to wait for ticks and pings."""


def misbehaving(name: str) -> tuple[str, ...]:
    """The command of an engine of tests/fakes/engines/misbehaving.py."""
    return (sys.executable, "-m", "tests.fakes.engines.misbehaving", name)


class Scene:
    """What is on the stage of one test."""

    def __init__(self, journal: Journal, database: Database) -> None:
        self.journal = journal
        self.database = database
        self.recordings = Recordings(database)
        self.supervisor: Supervisor

    async def accept(self, *exception_types: str) -> None:
        """Put an event of each type into the journal."""
        for exception_type in exception_types:
            entry = event_entry(seq=None, received=None, exception_type=exception_type)
            await self.journal.append([entry], None)

    async def decided(self, seq: int | None = None) -> list[str]:
        """The codes of the decisions on all entries up to `seq`, once they are stored."""
        last = self.journal.last_seq if seq is None else seq
        async with limit():
            while True:
                version = self.recordings.version
                if (await self.progress()).recorded_seq >= last:
                    break
                await self.recordings.wait_beyond(version)
        stored = await self.recordings.decisions(last)
        assert all(isinstance(decision, Decision) for decision in stored)
        return [decision.code for decision in stored if decision is not None]

    async def counts(self) -> list[float | int | str | None]:
        """The number in each stored decision: how often its exception type came up to there."""
        stored = await self.recordings.decisions(self.journal.last_seq)
        return [None if each is None else each.numbers.get("count") for each in stored]

    async def progress(self) -> Progress:
        """What is stored of states and decisions."""
        async with self.database.read() as tx:
            return await checkpoints.progress(tx)

    async def dead_letters(self) -> list[WholeDeadLetter]:
        """All of them, oldest first."""
        async with self.database.read() as tx:
            newest = await dead_letters.newest(tx, None, 1_000)
            found = [await dead_letters.get(tx, each.seq) for each in newest[::-1]]
        return [each for each in found if each is not None]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once `condition` holds; what it asks has no event to wait for."""
        await until(condition)

    async def running(self) -> None:
        """Return once the engine is up."""
        await self.until(lambda: self.supervisor.status().state == "running")

    async def restarted(self, times: int) -> None:
        """Return once the engine has ended so many times."""
        await self.until(lambda: self.supervisor.status().restarts >= times)

    def kill_child(self) -> None:
        """Kill the engine, as an operator or the system does."""
        os.kill(self.child_pid(), signal.SIGKILL)

    def child_pid(self) -> int:
        """The engine's process, which is there."""
        pid = self.supervisor.engine_pid
        assert pid is not None
        return pid

    @contextlib.asynccontextmanager
    async def supervising(
        self,
        command: Sequence[str] = HONEST,
        *,
        limits: Limits = QUICK,
        stop_s: float = LIMIT_S,
        backoff_s: float = 0.01,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> AsyncIterator[Supervisor]:
        """A supervisor at work, stopped in order at the end; it leaves no process behind."""
        others = children_of(os.getpid())
        self.supervisor = Supervisor(
            command,
            self.journal,
            self.database,
            self.recordings.record,
            limits=limits,
            backoff=Backoff(backoff_s, max(backoff_s, LONGEST_RESTART_S), lambda: 0.0),
            monotonic=monotonic,
        )
        running = asyncio.create_task(self.supervisor.run())
        try:
            yield self.supervisor
            assert not running.done(), running
            await self.supervisor.stop(stop_s)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        assert children_of(os.getpid()) == others


@contextlib.asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """A journal and a database in `folder`."""
    async with (
        open_journal(folder / "pushlog-journal.db") as journal,
        open_database(make_database(folder / "pushlog.db")) as database,
    ):
        yield Scene(journal, database)


def small_window(events: int) -> Limits:
    """`QUICK` with room for so many events."""
    return Limits(
        window=Window(events=events),
        tick_every_s=QUICK.tick_every_s,
        ping_every_s=QUICK.ping_every_s,
    )


def children_of(pid: int) -> list[int]:
    """The processes that `pid` started and that run; Linux only."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found
