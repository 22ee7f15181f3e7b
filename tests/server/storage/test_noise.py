"""Noise filters are kept as people wrote them, with what each of them held back."""

import pytest

from server.storage.database import Database
from server.storage.main import noise
from server.storage.times import to_micros
from tests.builders import at


async def test_a_filter_is_what_was_written_and_is_on_only_where_that_was_said(
    database: Database,
) -> None:
    async with database.write() as tx:
        assert await noise.enabled(tx) == []
        on = await noise.add(tx, pattern="KeyError*", about="Known", is_enabled=True)
        off = await noise.add(tx, pattern="TypeError*", about="", is_enabled=False)
    assert (on.pattern, on.about, on.enabled) == ("KeyError*", "Known", True)
    assert (off.pattern, off.about, off.enabled) == ("TypeError*", "", False)
    assert (on.held_back, on.last_incident_id, on.last_at) == (0, None, None)
    async with database.read() as tx:
        assert await noise.enabled(tx) == [on]
        assert (await noise.everything(tx))[-2:] == [on, off]
        assert await noise.get(tx, off.id) == off
        assert await noise.get(tx, off.id + 1) is None


async def test_a_pattern_is_there_once(database: Database) -> None:
    async with database.write() as tx:
        one = await noise.add(tx, pattern="KeyError*", about="", is_enabled=True)
        other = await noise.add(tx, pattern="TypeError*", about="", is_enabled=True)
    with pytest.raises(noise.PatternTaken):
        async with database.write() as tx:
            await noise.add(tx, pattern="KeyError*", about="again", is_enabled=False)
    with pytest.raises(noise.PatternTaken):
        async with database.write() as tx:
            await noise.change(tx, other.id, pattern="KeyError*", about="", is_enabled=True)
    async with database.read() as tx:
        assert await noise.enabled(tx) == [one, other]


async def test_what_a_filter_held_back_is_counted_and_stays_when_it_is_changed(
    database: Database,
) -> None:
    async with database.write() as tx:
        other = await noise.add(tx, pattern="TypeError*", about="", is_enabled=True)
        added = await noise.add(tx, pattern="KeyError*", about="", is_enabled=True)
        await noise.count(tx, added.id, "inc-1", to_micros(at(0)))
        await noise.count(tx, added.id, "inc-2", to_micros(at(60)))
        assert await noise.change(tx, added.id, pattern="Key*", about="Why", is_enabled=False)
    async with database.read() as tx:
        changed = await noise.get(tx, added.id)
        assert await noise.enabled(tx) == [other]
    assert changed == noise.NoiseFilter(
        id=added.id,
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
        added = await noise.add(tx, pattern="KeyError*", about="", is_enabled=True)
        assert await noise.remove(tx, added.id)
        assert not await noise.remove(tx, added.id)
        assert not await noise.change(tx, added.id, pattern="K*", about="", is_enabled=True)
    async with database.read() as tx:
        assert await noise.everything(tx) == before
