"""States and watermark move together, and never back."""

import msgspec

from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.main import checkpoints, dead_letters
from server.storage.main.checkpoints import Progress
from server.storage.main.dead_letters import DeadLetter
from shared.pipe import State


def state(key: str, value: bytes) -> State:
    return State(key, msgspec.Raw(value))


async def states(database: Database, a_slice: int = 100) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    async with database.read() as tx:
        async for some in checkpoints.read_states(tx, a_slice):
            assert 1 <= len(some) <= a_slice
            assert found.keys().isdisjoint(key for key, _ in some)
            found.update(some)
    return found


async def progress(database: Database) -> Progress:
    async with database.read() as tx:
        return await checkpoints.progress(tx)


async def test_at_the_very_beginning_nothing_is_known(database: Database) -> None:
    assert await progress(database) == Progress(watermark=0, recorded_seq=0)
    assert await states(database) == {}


async def test_states_are_replaced_and_dropped_with_the_watermark(database: Database) -> None:
    async with database.write() as tx:
        await checkpoints.store(tx, 5, [state("a", b"1"), state("b", b'{"x":[]}')])
    async with database.write() as tx:
        await checkpoints.store(tx, 9, [state("a", b"null"), state("b", b"2"), state("c", b"3")])
    assert await states(database) == {"b": b"2", "c": b"3"}
    assert await progress(database) == Progress(watermark=9, recorded_seq=0)


async def test_of_a_state_that_is_said_twice_the_last_word_counts(database: Database) -> None:
    async with database.write() as tx:
        await checkpoints.store(tx, 1, [state("a", b"1"), state("a", b"null"), state("a", b"2")])
    async with database.write() as tx:
        await checkpoints.store(tx, 2, [state("a", b"3"), state("a", b"null")])
    assert await states(database) == {}


async def test_neither_of_the_two_ever_goes_back(database: Database) -> None:
    async with database.write() as tx:
        await checkpoints.store(tx, 9, [])
        await checkpoints.set_recorded(tx, 12)
    async with database.write() as tx:
        await checkpoints.store(tx, 5, [])
        await checkpoints.set_recorded(tx, 7)
    assert await progress(database) == Progress(watermark=9, recorded_seq=12)


async def test_states_are_read_in_slices_whatever_their_keys(database: Database) -> None:
    keys = ["", "B", "a", 'quo"te', "ä", "日本"]
    async with database.write() as tx:
        await checkpoints.store(tx, 1, [state(key, b"1") for key in keys])
    for a_slice in (1, 2, 6, 7):
        assert await states(database, a_slice) == dict.fromkeys(keys, b"1")


async def test_states_that_change_while_they_are_read_are_those_of_one_moment(
    database: Database,
) -> None:
    async with database.write() as tx:
        await checkpoints.store(tx, 1, [state(f"{n}", b"1") for n in range(10)])
    found: dict[str, bytes] = {}
    async with database.read() as tx:
        async for some in checkpoints.read_states(tx, 2):
            found.update(some)
            async with database.write() as changing:
                changes = [state(f"{n}", b"2") for n in range(5)] + [state("9", b"null")]
                await checkpoints.store(changing, 2, changes)
    assert found == {f"{n}": b"1" for n in range(10)}


async def test_a_dead_letter_waits_until_somebody_settles_it_once(database: Database) -> None:
    entry = JournalEntry(7, 1_000, b'{"type":"event"}')
    async with database.write() as tx:
        await dead_letters.bury(tx, entry, "the engine died of it", 2_000)
        await dead_letters.bury(tx, entry, "again", 3_000)
    async with database.write() as tx:
        letter = await dead_letters.get(tx, 7)
        assert letter is not None
        (listed,) = await dead_letters.newest(tx, None, 10)
        assert listed == msgspec.convert(letter, DeadLetter, from_attributes=True)
        assert (letter.size_bytes, letter.start) == (16, entry.body)
        assert (letter.state, letter.reason) == ("waiting", "the engine died of it")
        assert (letter.entry, letter.received, letter.buried_at) == (entry.body, 1_000, 2_000)
        assert await dead_letters.mark_replayed(tx, 7, 12)
        assert not await dead_letters.mark_replayed(tx, 7, 13)
        assert not await dead_letters.mark_discarded(tx, 7)
        replayed = await dead_letters.get(tx, 7)
        assert replayed is not None
        assert (replayed.state, replayed.replayed_as) == ("replayed", 12)
        assert await dead_letters.newest(tx, None, 10, "waiting") == []
        assert await dead_letters.counts(tx) == {"waiting": 0, "replayed": 1, "discarded": 0}


async def test_dead_letters_are_paged_newest_first(database: Database) -> None:
    async with database.write() as tx:
        for seq in range(1, 6):
            await dead_letters.bury(tx, JournalEntry(seq, 0, b"{}"), "", 0)
        assert [each.seq for each in await dead_letters.newest(tx, None, 2)] == [5, 4]
        assert [each.seq for each in await dead_letters.newest(tx, 4, 9)] == [3, 2, 1]
        assert list(await dead_letters.seqs_after(tx, 3)) == [4, 5]
        assert await dead_letters.get(tx, 9) is None
