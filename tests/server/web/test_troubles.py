"""What is wrong with PushLog itself is on every page, in the bell, in the API and in /health."""

import re
from datetime import UTC, datetime

import pytest

from server.keys import DATABASE, LIVE, WATCH
from server.storage.database import Transaction
from server.storage.journal.entry import JournalEntry
from server.storage.main import accounts, dead_letters, troubles
from server.troubles.kinds import KINDS
from tests.server.web.conftest import Client
from tests.signed_in import OPERATOR

TITLE = KINDS["dead_letters"].title
TEXT = "1 dead letter waits for somebody to settle"


async def bury(client: Client) -> None:
    """The engine dies of an event, and the watch sees it."""
    async with client.app[DATABASE].write() as tx:
        await dead_letters.bury(tx, JournalEntry(1, 0, b"{}"), "it died", 0)
    await client.app[WATCH].look()


async def page(client: Client, path: str) -> str:
    response = await client.get(path)
    assert response.status == 200
    return await response.text()


async def keep(tx: Transaction, kind: str, text: str, *, over: bool = False) -> int:
    about = KINDS.get(kind, KINDS["queue"])
    made = await troubles.begin(
        tx, kind=kind, severity=about.severity, title=about.title, text=text, at=1_000_000
    )
    if over:
        await troubles.end(tx, made.id, 61_000_000)
    return made.id


@pytest.mark.parametrize("path", ["/incidents", "/deploys", "/settings", "/deliveries"])
async def test_an_open_trouble_is_on_every_page(client: Client, path: str) -> None:
    assert TITLE not in await page(client, path)
    await bury(client)
    shown = await page(client, path)
    notice, *_ = re.findall(r'<p class="notice">.*?</p>', shown.partition("<main")[0])
    assert f"<strong>{TITLE}:</strong> {TEXT}." in notice
    assert 'href="/troubles"' in notice


async def test_the_bell_leads_to_the_page_that_says_what_to_do(client: Client) -> None:
    await bury(client)
    for path in ("/notifications/panel", "/notifications"):
        shown = await page(client, path)
        assert re.search(r'<a href="/troubles" data-notification="\d+">', shown), path
        assert TITLE in shown
        assert "PushLog needs help" in shown
    shown = await page(client, "/troubles")
    main = shown.partition("<main")[2]
    assert TITLE in main
    assert TEXT in main
    assert KINDS["dead_letters"].advice in main


async def test_the_page_is_found_while_there_is_no_trouble(client: Client) -> None:
    assert '<a href="/troubles">' in await page(client, "/notifications")


async def test_what_is_over_is_listed_too_and_needs_no_advice(client: Client) -> None:
    assert "No troubles." in await page(client, "/troubles")
    async with client.app[DATABASE].write() as tx:
        await keep(tx, "disk_85", "14% of the disk is free", over=True)
        for number in range(50):
            await keep(tx, "queue", f"number {number}", over=True)
    shown = await page(client, "/troubles")
    assert "number 49" in shown
    assert "lasted 1 min" in shown
    assert KINDS["queue"].advice not in shown
    assert "14% of the disk" not in shown
    (older,) = re.findall(r'rel="next" href="([^"]+)"', shown)
    assert "14% of the disk" in await page(client, older)


async def test_the_api_gives_troubles_with_what_to_do_about_them(client: Client) -> None:
    async with client.app[DATABASE].write() as tx:
        first = await keep(tx, "disk_85", "14% of the disk is free", over=True)
        second = await keep(tx, "of the future", "?")
    body = await (await client.get("/api/troubles?limit=1")).json()
    assert [each["id"] for each in body["troubles"]] == [second]
    assert body["troubles"][0]["advice"] == ""
    assert body["troubles"][0]["closed_at"] is None
    body = await (await client.get(f"/api/troubles?before={body['next']}")).json()
    assert body["next"] is None
    (over,) = body["troubles"]
    assert (over["id"], over["kind"], over["severity"]) == (first, "disk_85", "warning")
    assert datetime.fromisoformat(over["closed_at"]) == datetime.fromtimestamp(61, UTC)
    assert over["advice"] == KINDS["disk_85"].advice


async def test_a_notification_of_a_trouble_names_no_incident(client: Client) -> None:
    await bury(client)
    body = await (await client.get("/api/notifications")).json()
    (told,) = body["notifications"]
    (trouble,) = client.app[WATCH].open
    assert (told["incident_id"], told["trouble_id"]) == (None, trouble.id)
    assert (told["change"], told["title"], told["severity"]) == ("opened", TITLE, "warning")
    assert (told["service"], told["environment"], told["trigger"]) == (None, None, None)
    assert (await client.post(f"/api/notifications/{told['id']}/read")).status == 200


async def test_health_lists_troubles_and_a_warning_degrades_nothing(client: Client) -> None:
    await bury(client)
    response = await client.get("/health")
    body = await response.json()
    assert (body["status"], body["reasons"]) == ("ok", [])
    (trouble,) = body["troubles"]
    assert (trouble["kind"], trouble["text"]) == ("dead_letters", TEXT)
    metrics = (await (await client.get("/metrics")).text()).splitlines()
    assert 'pushlog_trouble{kind="dead_letters"} 1.0' in metrics
    assert 'pushlog_trouble{kind="engine"} 0.0' in metrics


async def test_health_says_what_the_last_look_found_and_not_what_is_about_to_be_over(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.troubles.signs.share_free", lambda _: 0.08)
    await client.app[WATCH].look()
    body = await (await client.get("/health")).json()
    assert body["status"] == "degraded"
    assert body["reasons"] == ["8% of the disk that holds the data is free"]
    monkeypatch.setattr("server.troubles.signs.share_free", lambda _: 0.5)
    await client.app[WATCH].look()
    body = await (await client.get("/health")).json()
    # The trouble is open for another minute, but nothing is wrong any more.
    assert body["status"] == "ok"
    assert [each["kind"] for each in body["troubles"]] == ["disk_85", "disk_90"]


async def test_who_is_removed_takes_the_bells_along(client: Client) -> None:
    async with client.app[DATABASE].write() as tx:
        eve = await accounts.add(tx, name="Eve", email="e@acme.example", role="admin", hashed="-")
        await accounts.add(tx, name="Bo", email="b@acme.example", role="admin", hashed="-")
    await bury(client)
    async with client.app[DATABASE].write() as tx:
        assert await accounts.remove(tx, eve)
    assert len(client.app[WATCH].open) == 1


async def test_open_pages_are_told_to_show_it(client: Client) -> None:
    with client.app[LIVE].listen(OPERATOR + 1) as member:
        await bury(client)
        assert await member.news(0) == {"incidents"}
