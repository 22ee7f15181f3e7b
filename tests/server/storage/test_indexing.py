"""The ids of entries: which there are, and in which stretch of the journal one may be."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import asdict

from server.storage import indexing
from server.storage.database import Database
from server.storage.indexing import STRETCH, Indexing
from server.storage.journal.ids import canonical_id, ids_of
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import entry_ids
from server.storage.main.entry_ids import Stretch
from shared.event import Commit, Push
from shared.pipe import Entry, encode_lines
from tests.builders import change_window, change_window_entry, event_entry, resolve
from tests.waiting import limit


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with open_journal(tmp_path / "journal.db") as opened:
        yield opened


def event(name: str) -> Entry:
    return event_entry(None, received=None, event_id=name, stacktrace=[])


async def newest(database: Database, name: str, before_seq: int) -> Stretch | None:
    async with database.read() as tx:
        return await entry_ids.newest_with(tx, name, before_seq)


async def index(journal: Journal, database: Database) -> int:
    await Indexing(journal, database).catch_up()
    async with database.read() as tx:
        return await entry_ids.indexed_to(tx)


def test_the_ids_of_an_entry_are_all_that_a_sender_may_look_for() -> None:
    push = Push("t", "main", "ada", "o/r", ["shop"], commits=[Commit("pushed")])
    window = change_window(
        deploy_id="deploy", release="window", base="base", commits=[Commit("one")], push=push
    )
    entry = event_entry(
        1,
        event_id="0B989BA4-242f-11e5-81e1-c7b6966d2516",
        issue_id="4711",
        trace_id="trace",
        release="release",
        change_window=window,
    )
    of_window = {"deploy", "window", "base", "one", "pushed"}
    (line,) = encode_lines((entry,)).splitlines()
    assert ids_of(line) == of_window | {
        "0b989ba4242f11e581e1c7b6966d2516",
        "4711",
        "trace",
        "release",
    }
    (line,) = encode_lines((change_window_entry(1, **asdict(window)),)).splitlines()
    assert ids_of(line) == of_window
    (line,) = encode_lines((resolve(1, issue_id="4711", incident_id=None),)).splitlines()
    assert ids_of(line) == {"4711"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"event_id": 5}', b'{"commits": [1]}'])
def test_what_cannot_be_read_has_no_ids(body: bytes) -> None:
    assert ids_of(body) == set()


@pytest.mark.parametrize("name", ["4711", "A-B", "0b989ba4-242f", "x" * 32])
def test_only_a_uuid_has_a_form_of_its_own(name: str) -> None:
    assert canonical_id(name) == name


async def test_an_id_may_be_only_in_its_stretch_and_in_what_is_not_indexed(
    journal: Journal, database: Database
) -> None:
    await journal.append([event(f"id-{number}") for number in range(2 * STRETCH)], None)
    await journal.append([event("new")], None)
    assert await index(journal, database) == 2 * STRETCH
    end = journal.last_seq + 1
    assert await newest(database, "id-0", end) == Stretch(end - 1, end - 1)
    assert await newest(database, "id-0", end - 1) == Stretch(1, STRETCH)
    assert await newest(database, "id-0", 300) == Stretch(1, 299)
    assert await newest(database, f"id-{STRETCH}", end - 1) == Stretch(STRETCH + 1, 2 * STRETCH)
    assert await newest(database, f"id-{STRETCH}", STRETCH + 1) is None
    assert await newest(database, "never", end - 1) is None


async def test_a_stretch_is_indexed_once_it_is_complete(
    journal: Journal, database: Database
) -> None:
    await journal.append([event("a")] * (STRETCH - 1), None)
    assert await index(journal, database) == 0
    await journal.append([event("b")], None)
    assert await index(journal, database) == STRETCH
    assert await index(journal, database) == STRETCH


async def test_an_index_begins_with_what_is_kept_and_goes_on_after_what_was_removed(
    journal: Journal, database: Database
) -> None:
    await journal.append([event(f"id-{number}") for number in range(2 * STRETCH)], None)
    await journal.remove(STRETCH // 2)
    await index(journal, database)
    assert await newest(database, f"id-{STRETCH - 1}", STRETCH) == Stretch(
        STRETCH // 2 + 1, STRETCH - 1
    )
    await journal.append([event("later")] * (3 * STRETCH), None)
    await journal.remove(3 * STRETCH + 5)
    assert await index(journal, database) == 5 * STRETCH
    assert await newest(database, "later", 5 * STRETCH + 1) == Stretch(4 * STRETCH + 1, 5 * STRETCH)
    assert await newest(database, "later", 4 * STRETCH + 1) == Stretch(3 * STRETCH + 6, 4 * STRETCH)


async def test_it_follows_the_journal(
    journal: Journal, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "LOOK_EVERY_S", 0.001)
    following = asyncio.create_task(Indexing(journal, database).run())
    try:
        for stretches in (1, 2):
            await journal.append([event("a")] * STRETCH, None)
            async with limit():
                while await newest(database, "never", stretches * STRETCH + 1) is not None:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
    finally:
        following.cancel()
        await asyncio.wait({following})


async def test_a_stretch_that_is_stored_twice_is_stored_once(database: Database) -> None:
    async with database.write() as tx:
        for _ in range(2):
            await entry_ids.store(tx, Stretch(1, 10), {"a"})
    assert await newest(database, "a", 11) == Stretch(1, 10)


async def test_more_stretches_than_are_read_at_once_are_searched(database: Database) -> None:
    async with database.write() as tx:
        for number in range(1_200):
            stretch = Stretch(number * 10 + 1, number * 10 + 10)
            await entry_ids.store(tx, stretch, {f"id-{number}", "all"})
    for number in (0, 699, 700, 1_199):
        wanted = Stretch(number * 10 + 1, number * 10 + 10)
        assert await newest(database, f"id-{number}", 12_001) == wanted
        assert await newest(database, "all", number * 10 + 11) == wanted
    assert await newest(database, "never", 12_001) is None
