"""Finds entries that the engine dies of, without blaming others, and sets them aside."""

from collections.abc import Sequence

import msgspec

from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.main import checkpoints, dead_letters, decisions, engine_deaths
from server.storage.main.engine_deaths import EngineDeaths
from shared.decisions import Code
from shared.pipe import Decision


class Suspicion:
    """Finds the entry that kills the child.

    After a death, entries are sent one by one, up to the last one that the dead child was given. An
    entry is to blame if the child died on it twice, each time while it was the only one in flight,
    and did not survive it in between. All other entries are left alone. What is `known` is stored,
    so that it outlives the server.
    """

    def __init__(self, known: EngineDeaths) -> None:
        self.known = known

    def died(self, in_flight: Sequence[int], last_sent: int) -> int | None:
        """Return the entry to set aside, if this death convicts one."""
        died_of, convicted = self.known.died_of, None
        if len(in_flight) == 1:
            (seq,) = in_flight
            if seq == died_of:
                died_of, convicted = None, seq
            else:
                # A child that comes to another entry has survived the one before.
                died_of = seq
        self.known = EngineDeaths(max(self.known.one_by_one_to, last_sent), died_of)
        return convicted

    def survived(self, up_to: int) -> None:
        """Note that a child decided the entries up to `up_to` and went on living."""
        if self.known.died_of is not None and self.known.died_of <= up_to:
            self.known = msgspec.structs.replace(self.known, died_of=None)


async def note(database: Database, known: EngineDeaths) -> None:
    """Store what is known of the deaths of the engine."""
    async with database.write() as tx:
        await engine_deaths.put(tx, known)


async def bury(
    database: Database, entry: JournalEntry, reason: str, at: int, known: EngineDeaths
) -> None:
    """Put `entry` among the dead letters and decide it, in one transaction with what is `known`.

    `at` is in microseconds since the epoch. If an engine that survived the entry decided it before,
    that decision stays.
    """
    async with database.write() as tx:
        await dead_letters.bury(tx, entry, reason, at)
        await engine_deaths.put(tx, known)
        if entry.seq > (await checkpoints.progress(tx)).recorded_seq:
            await decisions.store(tx, [Decision(entry.seq, Code.DEAD_LETTER)])
            await checkpoints.set_recorded(tx, entry.seq)
