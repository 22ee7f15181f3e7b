"""Any one event can be found, with everything that was kept of it and what became of it."""

import json
from typing import Any

import msgspec
import pytest

from server.keys import DATABASE, JOURNAL
from server.storage.main import checkpoints, decisions
from shared.decisions import Code
from shared.event import ChainedException
from shared.event_context import (
    Breadcrumb,
    EventContext,
    HttpRequest,
    SourceLines,
    pack_context,
)
from shared.pipe import Decision, Entry
from tests.builders import at, event_entry, frame, silence
from tests.server.web.conftest import Client, Open


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


AROUND = EventContext(
    sources=[SourceLines(frame=0, before=["def total(cart):"], line="    raise Boom(cart)")],
    request=HttpRequest(
        method="POST", query="page=2", headers={"Accept": "*/*", "X-Api-Key": "k3y"}, body="{}"
    ),
    user={"email": "ada@acme.example"},
    breadcrumbs=[
        Breadcrumb(message="cart opened", category="ui", time=at(-60)),
        Breadcrumb(message="login with password=hunter2", level="warning"),
    ],
)


async def test_an_event_shows_what_was_around_it_without_secrets(client: Client) -> None:
    event = event_entry(
        None,
        received=None,
        stacktrace=[frame("shop/cart.py", "total", 12)],
        context=pack_context(AROUND),
    )
    shown = await page(client, await kept(client, event))
    for part in (
        '<td class="source-number">11</td><td class="source-text">def total(cart):</td>',
        '<td class="source-number">12</td><td class="source-text">    raise Boom(cart)</td>',
        "<strong>POST</strong>",
        "?page=2",
        "ada@acme.example",
        "08:59:00 UTC</time> ui",
        "cart opened",
        "password=***",
    ):
        assert part in shown
    for secret in ("hunter2", "k3y"):
        assert secret not in shown


async def test_an_event_is_shown_where_what_was_around_it_is_of_another_version(
    client: Client,
) -> None:
    event = event_entry(None, received=None, context=msgspec.Raw(b'{"sources":7}'))
    assert "Stack trace" in await page(client, await kept(client, event))


async def test_an_incident_shows_what_was_around_the_event_that_opened_it(
    client: Client, open_incident: Open
) -> None:
    trace = [frame("shop/cart.py", "total", 12)]
    raised = [ChainedException("CheckoutFailed", "could not pay", [frame("shop/pay.py", "pay")])]
    around: dict[str, Any] = {"stacktrace": trace, "chain": raised, "context": pack_context(AROUND)}
    await kept(client, event_entry(None, received=None, **around))
    for number, stacktrace, is_shown in ((1, trace, True), (2, [frame("other.py")], False)):
        opened = await open_incident(number, seq=1, stacktrace=stacktrace)
        async with client.get(f"/incidents/{opened}") as response:
            shown = await response.text()
        assert ("raise Boom(cart)" in shown) is is_shown
        assert ("CheckoutFailed" in shown) is is_shown
        # Whoever was affected is told either way.
        assert "ada@acme.example" in shown
        assert "2 breadcrumbs" in shown
        assert "hunter2" not in shown


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
