"""Any one event can be found, with everything that was kept of it and what became of it."""

import json
from typing import Any

import pytest

from server.keys import DATABASE, JOURNAL
from server.storage.main import checkpoints, decisions
from shared.decisions import Code
from shared.event import ChainedException
from shared.pipe import Decision, Entry
from tests.builders import event_entry, frame, silence
from tests.server.web.conftest import Client


async def kept(client: Client, *entries: Entry, **decided: Any) -> int:
    """Put these entries into the journal, with a decision on the first; return its number."""
    first = (await client.app[JOURNAL].append(list(entries), None)).seqs[0]
    if decided:
        async with client.app[DATABASE].write() as tx:
            await decisions.store(tx, [Decision(first, **decided)])
            await checkpoints.set_recorded(tx, first)
    return first


async def page(client: Client, seq: int) -> str:
    async with client.get(f"/events/{seq}") as response:
        assert response.status == 200
        return await response.text()


async def answered(client: Client, seq: int) -> dict[str, Any]:
    async with client.get(f"/api/events/{seq}") as response:
        assert response.status == 200
        found: dict[str, Any] = await response.json()
        return found


async def test_an_event_shows_what_was_kept_of_it_and_why_what_became_of_it(
    client: Client,
) -> None:
    event = event_entry(
        None,
        received=None,
        event_id="0d5d6f7a8b9c4d3e8f10213243546579",
        stacktrace=[frame("shop/cart.py", "total", 12)],
        chain=[ChainedException("CheckoutFailed", "could not pay", [frame("shop/pay.py", "pay")])],
        tags={"browser": "Firefox"},
        notes=["2 frames were left out"],
    )
    incident = "inc-0123456789abcdef"
    seq = await kept(client, event, code=Code.IN_INCIDENT, incident_id=incident)
    shown = await page(client, seq)
    for part in (
        "0d5d6f7a8b9c4d3e8f10213243546579",
        "shop/cart.py:12",
        "CheckoutFailed",
        "shop/pay.py",
        "Firefox",
        "2 frames were left out",
        f'href="/incidents/{incident}"',
    ):
        assert part in shown
    found = await answered(client, seq)
    assert (found["seq"], found["decision"], found["incident_id"]) == (seq, "in_incident", incident)
    assert found["reason"] in shown
    assert found["entry"]["tags"] == {"browser": "Firefox"}


async def test_secrets_are_masked_by_their_look_and_by_their_name(client: Client) -> None:
    event = event_entry(
        None,
        received=None,
        message="login failed with password=hunter2",
        tags={"api_key": "correct horse", "auth": "Bearer abcdef0123456789"},
        links={"source_url": "https://sentry.example/1"},
    )
    seq = await kept(client, event)
    for shown in (await page(client, seq), json.dumps(await answered(client, seq))):
        for secret in ("hunter2", "correct horse", "abcdef0123456789"):
            assert secret not in shown
        assert "***" in shown
        assert "https://sentry.example/1" in shown


@pytest.mark.parametrize(
    ("decided", "reason"),
    [
        ({}, "waits for the engine"),
        ({"code": Code.KNOWN}, "known"),
        ({"code": Code.SILENCED, "numbers": {"trigger": "spike"}}, "silenced; otherwise"),
    ],
)
async def test_the_reason_is_said_in_words(
    client: Client, decided: dict[str, Any], reason: str
) -> None:
    seq = await kept(client, event_entry(None, received=None), **decided)
    assert reason in (await answered(client, seq))["reason"]
    assert reason in await page(client, seq)


async def test_an_entry_that_is_no_event_is_shown_too(client: Client) -> None:
    seq = await kept(client, silence(None, received=None, issue_id="4711"))
    assert "Issue 4711 silenced by ada" in await page(client, seq)
    assert (await answered(client, seq))["entry"]["issue_id"] == "4711"


@pytest.mark.parametrize("seq", [2, 10**17])
async def test_what_is_not_there_is_said(client: Client, seq: int) -> None:
    await kept(client, event_entry(None, received=None))
    async with client.get(f"/events/{seq}") as response:
        assert response.status == 404
        assert f"There is no entry {seq}" in await response.text()
    async with client.get(f"/api/events/{seq}") as response:
        assert response.status == 404
