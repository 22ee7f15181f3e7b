"""An entry that the engine dies of is set aside and decided, in one step."""

from server.storage.database import Database
from server.storage.journal.journal import JournalEntry
from server.storage.main import checkpoints, dead_letters, decisions
from server.supervisor.burial import bury
from shared.pipe import Decision


async def test_what_was_decided_before_keeps_its_decision(database: Database) -> None:
    async with database.write() as tx:
        await decisions.store(tx, [Decision(7, "known")])
        await checkpoints.set_recorded(tx, 7)
    for seq in (7, 8):
        await bury(database, JournalEntry(seq, 1_000, b"{}"), "it kills the engine", 2_000)
    async with database.read() as tx:
        found = [await decisions.get(tx, seq) for seq in (7, 8)]
        assert (await checkpoints.progress(tx)).recorded_seq == 8
        assert [each.seq for each in await dead_letters.newest(tx, None, 9)] == [8, 7]
    assert [decision and decision.code for decision in found] == ["known", "dead_letter"]
