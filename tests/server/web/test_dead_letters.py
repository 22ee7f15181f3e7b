"""What the engine died on can be looked at, and replayed or discarded, once."""

import asyncio
from typing import Any

import pytest

from server.keys import JOURNAL
from server.storage import dead_letters
from server.storage.database import Database
from server.storage.journal import JournalEntry
from shared.pipe import decode_inbound, encode_lines
from tests.builders import event_entry
from tests.server.web.conftest import Client

RECEIVED = 1_741_078_800_000_000
EVENT = event_entry(None, message="boom", received=None)


async def bury(database: Database, seq: int, body: bytes | None = None) -> None:
    event = encode_lines([EVENT]).strip()
    async with database.write() as tx:
        entry = JournalEntry(seq, RECEIVED, event if body is None else body)
        await dead_letters.bury(tx, entry, "the engine died of it twice", RECEIVED + 1_000_000)


async def read(client: Client, path: str) -> Any:
    response = await client.get(path)
    assert response.status == 200
    return await response.json()


async def test_a_letter_shows_its_entry_and_why_it_is_there(
    client: Client, database: Database
) -> None:
    await bury(database, 7)
    listed = await read(client, "/api/dead-letters")
    one = await read(client, "/api/dead-letters/7")
    assert one.pop("entry")["message"] == "boom"
    assert listed == {"dead_letters": [one], "next": None}
    assert one == {
        "seq": 7,
        "received": "2025-03-04T09:00:00Z",
        "reason": "the engine died of it twice",
        "buried_at": "2025-03-04T09:00:01Z",
        "state": "waiting",
        "replayed_as": None,
    }


async def test_letters_are_paged(client: Client, database: Database) -> None:
    for seq in (3, 5, 8):
        await bury(database, seq)
    first = await read(client, "/api/dead-letters?limit=2")
    assert ([each["seq"] for each in first["dead_letters"]], first["next"]) == ([8, 5], 5)
    rest = await read(client, "/api/dead-letters?before=5")
    assert ([each["seq"] for each in rest["dead_letters"]], rest["next"]) == ([3], None)


async def test_a_replay_is_the_same_entry_with_a_new_number(
    client: Client, database: Database
) -> None:
    await bury(database, 7)
    response = await client.post("/api/dead-letters/7/replay")
    assert response.status == 202
    seq = (await response.json())["replayed_as"]
    entry = await client.app[JOURNAL].get(seq)
    assert entry is not None
    assert decode_inbound(entry.body) == EVENT
    assert (await read(client, "/api/dead-letters/7"))["replayed_as"] == seq


async def test_however_often_a_replay_is_asked_for_it_happens_once(
    client: Client, database: Database
) -> None:
    await bury(database, 7)
    before = client.app[JOURNAL].last_seq
    responses = await asyncio.gather(*(client.post("/api/dead-letters/7/replay") for _ in range(5)))
    assert sorted(response.status for response in responses) == [202, 409, 409, 409, 409]
    assert client.app[JOURNAL].last_seq == before + 1


async def test_what_was_discarded_is_not_replayed_and_the_reverse(
    client: Client, database: Database
) -> None:
    await bury(database, 7)
    await bury(database, 8)
    assert (await client.post("/api/dead-letters/7/discard")).status == 200
    assert (await client.post("/api/dead-letters/7/replay")).status == 409
    assert (await client.post("/api/dead-letters/8/replay")).status == 202
    response = await client.post("/api/dead-letters/8/discard")
    assert response.status == 409
    assert "replayed already" in (await response.json())["error"]


@pytest.mark.parametrize("body", [b'{"type": "event"}', b'{"type": "tick"}', b'{"type": 7}'])
async def test_what_cannot_be_read_stays_where_it_is(
    client: Client, database: Database, body: bytes
) -> None:
    await bury(database, 7, body)
    assert (await client.post("/api/dead-letters/7/replay")).status == 422
    assert (await read(client, "/api/dead-letters/7"))["state"] == "waiting"


async def test_an_unknown_letter_is_not_found(client: Client) -> None:
    assert (await client.post("/api/dead-letters/1/replay")).status == 404
    assert (await client.post("/api/dead-letters/1/discard")).status == 404
