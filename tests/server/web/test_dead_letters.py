"""Entries that crashed the engine can be viewed, and replayed or discarded once."""

import asyncio
from typing import Any

import pytest

from server.accounts.secrets import digest
from server.keys import JOURNAL
from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.main import accounts, dead_letters, sessions
from server.storage.times import micros_now
from shared.pipe import decode_inbound, encode_lines
from tests.builders import event_entry, tick
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
    assert listed == {
        "counts": {"waiting": 1, "replayed": 0, "discarded": 0},
        "dead_letters": [one],
        "next": None,
    }
    start = one.pop("start")
    assert start.startswith('{"type":"event","source":"sentry","service":"shop"')
    assert one == {
        "seq": 7,
        "received": "2025-03-04T09:00:00Z",
        "size_bytes": len(encode_lines([EVENT]).strip()),
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
    assert "already replayed" in (await response.json())["error"]


@pytest.mark.parametrize("body", [b'{"type": "event"}', b'{"type": "tick"}', b'{"type": 7}'])
async def test_what_cannot_be_read_stays_where_it_is(
    client: Client, database: Database, body: bytes
) -> None:
    await bury(database, 7, body)
    assert (await client.post("/api/dead-letters/7/replay")).status == 422
    assert (await read(client, "/api/dead-letters/7"))["state"] == "waiting"


async def test_what_is_no_entry_is_not_replayed_and_it_is_said(
    client: Client, database: Database
) -> None:
    await bury(database, 7, encode_lines([tick(0)]).strip())
    async with client.post("/api/dead-letters/7/replay") as response:
        assert response.status == 422
        assert (await response.json())["error"] == "The dead letter is not a journal entry."
    assert (await read(client, "/api/dead-letters/7"))["state"] == "waiting"


async def test_an_unknown_letter_is_not_found(client: Client) -> None:
    assert (await client.post("/api/dead-letters/1/replay")).status == 404
    assert (await client.post("/api/dead-letters/1/discard")).status == 404


# --- the page --------------------------------------------------------------------------------

PAGE = "/deliveries/dead-letters"


async def shown(client: Client, query: str = "") -> str:
    response = await client.get(f"{PAGE}{query}")
    assert response.status == 200
    return await response.text()


async def test_the_page_shows_those_that_wait_with_why_how_large_and_how_they_begin(
    client: Client, database: Database
) -> None:
    await bury(database, 7, b'{"type":"event","message":"' + b"x" * 5_000 + b'"}')
    await bury(database, 8)
    assert (await client.post("/api/dead-letters/8/discard")).status == 200
    page = await shown(client)
    for words in (
        "the engine died of it twice",
        "5.0 kB",
        "{&#34;type&#34;:&#34;event&#34;,&#34;message&#34;:&#34;xxxxx",
        ">1 waiting</a>",
        ">1 discarded</a>",
        ">2 all</a>",
        f'action="{PAGE}/7/replay"',
        f'action="{PAGE}/7/discard"',
    ):
        assert words in page, words
    assert "x" * 600 not in page
    assert 'id="letter-8"' not in page
    settled = await shown(client, "?state=discarded")
    assert 'id="letter-8"' in settled
    assert "/8/replay" not in settled
    assert (await shown(client, "?state=all")).count('id="letter-') == 2


async def test_what_is_sent_again_or_discarded_on_the_page_waits_no_more(
    client: Client, database: Database
) -> None:
    for seq in (7, 8):
        await bury(database, seq)
    for seq, settle in ((7, "replay"), (8, "discard")):
        response = await client.post(f"{PAGE}/{seq}/{settle}", allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (303, PAGE)
        again = await client.post(f"{PAGE}/{seq}/{settle}")
        assert again.status == 409
        assert "already" in await again.text()
    assert "No dead letters are waiting" in await shown(client)
    assert ">1 replayed</a>" in await shown(client, "?state=replayed")
    seq = (await read(client, "/api/dead-letters/7"))["replayed_as"]
    assert await client.app[JOURNAL].get(seq) is not None
    assert f'href="/api/decisions/{seq}"' in await shown(client, "?state=replayed")


async def test_a_member_sees_the_letters_and_no_buttons(client: Client, database: Database) -> None:
    await bury(database, 7)
    async with database.write() as tx:
        bob = await accounts.add(tx, name="Bob", email="b@example.org", role="member", hashed="-")
        await sessions.add(
            tx, digest=digest("bob"), person_id=bob, address="", agent="", at=micros_now()
        )
    client.session.cookie_jar.update_cookies({"pushlog-3000": "bob"})
    page = await shown(client)
    assert 'id="letter-7"' in page
    assert "/7/replay" not in page
    for path in (PAGE, "/api/dead-letters"):
        assert (await client.post(f"{path}/7/replay")).status == 403


@pytest.mark.parametrize(
    "body",
    [
        b'{"tags":{"authorization":"Bearer hunter2hunter2"}}',
        b'{"message":"{\\"password\\":\\"hunter2\\"}"}',
        b'{"request_url":"https://ada:hunter2@example.org/"}',
        b'{"token":"' + b"a1" * 1980 + b'","password":"' + b"hunter2" * 9 + b'"}',
    ],
)
async def test_the_start_of_an_entry_holds_no_secret(
    client: Client, database: Database, body: bytes
) -> None:
    await bury(database, 7, body)
    (letter,) = (await read(client, "/api/dead-letters"))["dead_letters"]
    assert "***" in letter["start"]
    assert "hunter2" not in letter["start"]
    assert "hunter2" not in await shown(client)


async def test_nothing_in_an_entry_becomes_a_part_of_the_page(
    client: Client, database: Database
) -> None:
    evil = "<script>alert(1)</script></code></pre>"
    await bury(database, 7, evil.encode() + b"\xff\x00\xe2\x80\xae\x1b[31m")
    page = await shown(client)
    assert evil not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not {"\x00", "\x1b", "\u202e"} & set(page)


async def test_letters_are_paged_on_the_page_too(client: Client, database: Database) -> None:
    for seq in range(1, 53):
        await bury(database, seq)
    first = await shown(client)
    assert first.count('id="letter-') == 50
    assert f'rel="next" href="{PAGE}?state=waiting&amp;before=3"' in first
    assert (await shown(client, "?state=waiting&before=3")).count('id="letter-') == 2


async def test_a_state_that_there_is_not_is_refused(client: Client) -> None:
    assert (await client.get(f"{PAGE}?state=lost")).status == 400
    assert (await client.get("/api/dead-letters?state=lost")).status == 400


async def test_the_pages_of_deliveries_lead_to_each_other(client: Client) -> None:
    assert f'href="{PAGE}"' in await (await client.get("/deliveries")).text()
    assert 'href="/deliveries"' in await shown(client)
