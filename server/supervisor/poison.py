"""Finds entries that the engine dies of, without blaming others, and sets them aside."""

from collections.abc import Sequence

from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.main import checkpoints, dead_letters, decisions
from shared.decisions import Code
from shared.pipe import Decision

DEATHS_THAT_CONVICT = 2


class Suspicion:
    """Finds the entry that kills the child.

    After a death, entries are sent one by one, up to the last one that the dead child was given. An
    entry is to blame if the child died on it twice, each time while it was the only one in flight,
    and did not survive it in between. All other entries are left alone.
    """

    def __init__(self) -> None:
        self.one_by_one_to = 0
        """Up to this entry, no two entries are in flight together."""
        self._deaths: dict[int, int] = {}

    def died(self, in_flight: Sequence[int], last_sent: int) -> int | None:
        """Return the entry to set aside, if this death convicts one."""
        self.one_by_one_to = max(self.one_by_one_to, last_sent)
        if len(in_flight) != 1:
            return None
        (seq,) = in_flight
        self._deaths[seq] = self._deaths.get(seq, 0) + 1
        if self._deaths[seq] < DEATHS_THAT_CONVICT:
            return None
        del self._deaths[seq]
        return seq

    def survived(self, up_to: int) -> None:
        """Note that a child decided the entries up to `up_to` and went on living."""
        if self._deaths:
            self._deaths = {seq: count for seq, count in self._deaths.items() if seq > up_to}


async def bury(database: Database, entry: JournalEntry, reason: str, at: int) -> None:
    """Put `entry` among the dead letters and decide it, in one transaction.

    `at` is in microseconds since the epoch. If an engine that survived the entry decided it before,
    that decision stays.
    """
    async with database.write() as tx:
        await dead_letters.bury(tx, entry, reason, at)
        if entry.seq > (await checkpoints.progress(tx)).recorded_seq:
            await decisions.store(tx, [Decision(entry.seq, Code.DEAD_LETTER)])
            await checkpoints.set_recorded(tx, entry.seq)
