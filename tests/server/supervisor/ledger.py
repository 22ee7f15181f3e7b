"""A recorder for tests of the supervisor: real tables, and nothing but decisions and states."""

import asyncio
import zlib
from collections.abc import Sequence

from sqlalchemy import select

from server.storage import checkpoints, decisions
from server.storage.database import Database
from server.storage.journal import JournalEntry
from server.storage.tables import decision_batches
from shared.pipe import (
    Checkpoint,
    Decision,
    IncidentEnded,
    Outbound,
    State,
    decode_outbound,
)


class Ledger:
    """Stores as the server's recorder does. `said` keeps everything, also what is said again.

    While `trouble` is set, nothing can be stored and it is raised instead.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.said: list[Outbound] = []
        self.trouble: Exception | None = None
        self.refused = 0
        self.version = 0
        self._changed = asyncio.Event()

    async def record(self, messages: Sequence[Outbound], entries: Sequence[JournalEntry]) -> None:
        if self.trouble is not None:
            self.refused += 1
            self._change()
            raise self.trouble
        async with self._database.write() as tx:
            known = (await checkpoints.progress(tx)).recorded_seq
            states: list[State] = []
            decided = [each for each in messages if isinstance(each, Decision)]
            assert [each.seq for each in decided] == [entry.seq for entry in entries]
            new = [each for each in decided if each.seq > known]
            for message in messages:
                match message:
                    case State():
                        states.append(message)
                    case IncidentEnded() if message.reason == "odd":
                        raise ValueError("no table takes this")
                    case Checkpoint():
                        await checkpoints.store(tx, message.seq, states)
                        states = []
            assert not states
            if new:
                await decisions.store(tx, new)
                await checkpoints.set_recorded(tx, new[-1].seq)
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
