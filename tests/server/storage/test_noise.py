"""Noise filters are kept as people wrote them, with what each of them held back."""

import pytest

from server.storage.database import Database
from server.storage.main import noise
from server.storage.main.noise import FilterValues
from server.storage.times import to_micros
from tests.builders import at

NOW = to_micros(at(0))


async def test_a_filter_is_what_was_written_and_is_on_only_where_that_was_said(
    database: Database,
) -> None:
    async with database.write() as tx:
        assert await noise.in_force(tx, NOW) == []
        on = await noise.add(tx, FilterValues(pattern="KeyError*", about="Known"), "Ada")
        off = await noise.add(tx, FilterValues(pattern="TypeError*", enabled=False), "Ada")
    assert (on.pattern, on.about, on.enabled) == ("KeyError*", "Known", True)
    assert (off.pattern, off.about, off.enabled) == ("TypeError*", "", False)
    assert (on.held_back, on.last_incident_id, on.last_at) == (0, None, None)
    async with database.read() as tx:
        assert await noise.in_force(tx, NOW) == [on]
        assert (await noise.everything(tx))[-2:] == [on, off]
        assert await noise.get(tx, off.id) == off
        assert await noise.get(tx, off.id + 1) is None


async def test_a_pattern_is_there_once_for_the_same_places(database: Database) -> None:
    async with database.write() as tx:
        one = await noise.add(tx, FilterValues(pattern="KeyError*"), "Ada")
        other = await noise.add(tx, FilterValues(pattern="TypeError*"), "Ada")
    with pytest.raises(noise.FilterExists):
        async with database.write() as tx:
            await noise.add(
                tx, FilterValues(pattern="KeyError*", about="again", enabled=False), "Ada"
            )
    with pytest.raises(noise.FilterExists):
        async with database.write() as tx:
            await noise.change(tx, other.id, FilterValues(pattern="KeyError*"))
    async with database.write() as tx:
        there = await noise.add(tx, FilterValues(pattern="KeyError*", service="shop"), "Ada")
    async with database.read() as tx:
        assert await noise.in_force(tx, NOW) == [one, other, there]


async def test_a_filter_ends_when_it_was_said_to(database: Database) -> None:
    async with database.write() as tx:
        ending = await noise.add(tx, FilterValues(pattern="KeyError*", until=at(60)), "Ada")
        staying = await noise.add(tx, FilterValues(pattern="TypeError*"), "Ada")
    async with database.read() as tx:
        assert await noise.in_force(tx, to_micros(at(60)) - 1) == [ending, staying]
        assert await noise.in_force(tx, to_micros(at(60))) == [staying]
        assert ending in await noise.everything(tx)


async def test_what_a_filter_held_back_is_counted_and_stays_when_it_is_changed(
    database: Database,
) -> None:
    async with database.write() as tx:
        other = await noise.add(tx, FilterValues(pattern="TypeError*"), "Ada")
        added = await noise.add(tx, FilterValues(pattern="KeyError*"), "Ada")
        await noise.count(tx, added.id, "inc-1", to_micros(at(0)))
        await noise.count(tx, added.id, "inc-2", to_micros(at(60)))
        assert await noise.change(
            tx, added.id, FilterValues(pattern="Key*", about="Why", enabled=False)
        )
    async with database.read() as tx:
        changed = await noise.get(tx, added.id)
        assert await noise.in_force(tx, NOW) == [other]
    assert changed == noise.NoiseFilter(
        id=added.id,
        made_by="Ada",
        pattern="Key*",
        about="Why",
        enabled=False,
        held_back=2,
        last_incident_id="inc-2",
        last_at=at(60),
    )


async def test_a_filter_that_was_removed_is_gone_and_no_other(database: Database) -> None:
    async with database.write() as tx:
        before = await noise.everything(tx)
        added = await noise.add(tx, FilterValues(pattern="KeyError*"), "Ada")
        assert await noise.remove(tx, added.id)
        assert not await noise.remove(tx, added.id)
        assert not await noise.change(tx, added.id, FilterValues(pattern="K*"))
    async with database.read() as tx:
        assert await noise.everything(tx) == before
