"""Only an entry that crashed the engine twice, alone with it, is blamed and set aside."""

from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.main import checkpoints, dead_letters, decisions, engine_deaths
from server.storage.main.engine_deaths import EngineDeaths
from server.supervisor.poison import Suspicion, bury
from shared.decisions import Code
from shared.pipe import Decision


def test_deaths_in_company_blame_nobody_but_make_careful() -> None:
    suspicion = Suspicion(EngineDeaths())
    for _ in range(10):
        assert suspicion.died([4, 5, 6], last_sent=6) is None
    assert suspicion.known.one_by_one_to == 6


def test_two_deaths_alone_convict() -> None:
    suspicion = Suspicion(EngineDeaths())
    assert suspicion.died([4, 5], last_sent=5) is None
    assert suspicion.died([4], last_sent=4) is None
    assert suspicion.died([4], last_sent=4) == 4
    assert suspicion.known.one_by_one_to == 5


def test_an_entry_that_was_survived_in_between_begins_anew() -> None:
    suspicion = Suspicion(EngineDeaths())
    assert suspicion.died([4], last_sent=4) is None
    suspicion.survived(up_to=4)
    assert suspicion.died([4], last_sent=9) is None
    assert suspicion.died([4], last_sent=9) == 4


def test_deaths_with_nothing_in_flight_blame_nobody() -> None:
    suspicion = Suspicion(EngineDeaths())
    for _ in range(10):
        assert suspicion.died([], last_sent=6) is None


def test_a_death_of_another_entry_in_between_begins_anew() -> None:
    suspicion = Suspicion(EngineDeaths())
    assert suspicion.died([4], last_sent=4) is None
    assert suspicion.died([7], last_sent=7) is None
    assert suspicion.died([4], last_sent=7) is None
    assert suspicion.died([4], last_sent=7) == 4


def test_a_death_of_none_in_between_does_not() -> None:
    suspicion = Suspicion(EngineDeaths())
    assert suspicion.died([4], last_sent=4) is None
    assert suspicion.died([], last_sent=4) is None
    assert suspicion.died([4], last_sent=4) == 4


async def test_what_was_decided_before_keeps_its_decision(database: Database) -> None:
    async with database.write() as tx:
        await decisions.store(tx, [Decision(7, Code.KNOWN)])
        await checkpoints.set_recorded(tx, 7)
    for seq in (7, 8):
        entry = JournalEntry(seq, 1_000, b"{}")
        await bury(database, entry, "it kills the engine", 2_000, EngineDeaths(seq))
    async with database.read() as tx:
        found = [await decisions.get(tx, seq) for seq in (7, 8)]
        assert (await checkpoints.progress(tx)).recorded_seq == 8
        assert await engine_deaths.get(tx) == EngineDeaths(8)
        assert [each.seq for each in await dead_letters.newest(tx, None, 9)] == [8, 7]
    assert [decision and decision.code for decision in found] == ["known", "dead_letter"]
