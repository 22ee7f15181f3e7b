"""Setting an entry aside that the engine dies of."""

from server.storage.database import Database
from server.storage.journal.journal import JournalEntry
from server.storage.main import checkpoints, dead_letters, decisions
from shared.pipe import Decision

DEAD_LETTER = "dead_letter"


async def bury(database: Database, entry: JournalEntry, reason: str, at: int) -> None:
    """Put `entry` among the dead letters and decide it, in one transaction.

    `at` is in microseconds since the epoch. An entry that was decided before, by an engine that
    survived it then, keeps that decision.
    """
    async with database.write() as tx:
        await dead_letters.bury(tx, entry, reason, at)
        if entry.seq > (await checkpoints.progress(tx)).recorded_seq:
            await decisions.store(tx, [Decision(entry.seq, DEAD_LETTER)])
            await checkpoints.set_recorded(tx, entry.seq)
