"""The server's recorder, as the supervisor gets it, and what was stored."""

import asyncio
import zlib
from collections.abc import Sequence

from sqlalchemy import select

from server.incidents.record import Recorder
from server.notify.live import Live
from server.process.metrics import Metrics
from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.main.tables import decision_batches
from shared.pipe import Decision, Outbound, decode_outbound


class Recordings:
    """Hands on to the recorder, and wakes who waits. `said` keeps everything that was stored.

    While `trouble` is set, the disk takes nothing: it is raised instead.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recorder = Recorder(database, live=Live(), metrics=Metrics(), min_severity="all")
        self.said: list[Outbound] = []
        self.trouble: OSError | None = None
        self.refused = 0
        self.version = 0
        self._changed = asyncio.Event()

    async def record(self, messages: Sequence[Outbound], entries: Sequence[JournalEntry]) -> None:
        if self.trouble is not None:
            self.refused += 1
            self._change()
            raise self.trouble
        decided = [each.seq for each in messages if isinstance(each, Decision)]
        assert decided == [entry.seq for entry in entries]
        await self._recorder.record(messages, entries)
        self.said.extend(messages)
        self._change()

    def _change(self) -> None:
        self.version += 1
        self._changed.set()

    async def wait_beyond(self, version: int) -> None:
        """Return once something was stored or refused after `version` was read."""
        while self.version <= version:
            self._changed.clear()
            await self._changed.wait()

    async def decisions(self, last_seq: int) -> list[Decision | None]:
        """What is stored of the entries 1 to `last_seq`; checks that there is one of each."""
        found: dict[int, Decision] = {}
        async with self._database.read() as tx:
            for (packed,) in await tx.execute(select(decision_batches.c.decisions)):
                for line in zlib.decompress(packed).splitlines():
                    decision = decode_outbound(line)
                    assert isinstance(decision, Decision)
                    assert decision.seq not in found
                    found[decision.seq] = decision
        return [found.get(seq) for seq in range(1, last_seq + 1)]
