"""Everybody sees who takes care of an incident, and its history has one order."""

from server.keys import DATABASE, LIVE
from server.storage.database import Database, Transaction
from server.storage.main import incidents, outbox
from server.storage.main.outbox import ChannelName, NewDelivery
from server.storage.times import to_micros
from shared.pipe import IncidentEnded
from tests.builders import at
from tests.server.web.conftest import Client, Open, incident, incident_id, record
from tests.signed_in import OPERATOR


async def test_an_acknowledgement_says_who_and_when_in_list_page_and_api(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    path = f"/incidents/{opened}"
    assert f'action="{path}/acknowledge"' in await (await client.get(path)).text()
    response = await client.post(f"{path}/acknowledge", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (303, path)
    page = await (await client.get(path)).text()
    assert f'action="{path}/acknowledge"' not in page
    assert "acknowledged by operator" in page
    assert "acknowledged by operator" in await (await client.get("/incidents")).text()
    (listed,) = (await (await client.get("/api/incidents")).json())["incidents"]
    assert listed["acknowledged_by"] == "operator"
    one = await (await client.get(f"/api/incidents/{opened}")).json()
    assert one["changes"][-1]["change"] == "acknowledged"
    assert one["changes"][-1]["at"] == listed["acknowledged_at"]


async def test_the_first_who_acknowledges_stays(client: Client, open_incident: Open) -> None:
    path = f"/api/incidents/{await open_incident(1)}"
    first = await (await client.post(f"{path}/acknowledge")).json()
    async with client.app[DATABASE].write() as tx:
        assert not await incidents.acknowledge(tx, incident_id(1), "Ada", to_micros(at(0)))
    assert await (await client.post(f"{path}/acknowledge")).json() == first
    assert first["acknowledged_by"] == "operator"
    changes = (await (await client.get(path)).json())["changes"]
    assert [each["change"] for each in changes] == ["opened", "acknowledged"]


async def test_what_has_ended_or_never_was_cannot_be_acknowledged(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    async with client.app[DATABASE].write() as tx:
        await incidents.end(tx, IncidentEnded(opened, "it is quiet again", at(60)))
    assert (await client.post(f"/api/incidents/{opened}/acknowledge")).status == 409
    assert (await client.post(f"/api/incidents/{incident_id(9)}/acknowledge")).status == 404
    page = await (await client.get(f"/incidents/{opened}")).text()
    assert "/acknowledge" not in page


async def test_news_from_the_engine_leaves_the_acknowledgement(
    client: Client, open_incident: Open, database: Database
) -> None:
    opened = await open_incident(1)
    await client.post(f"/api/incidents/{opened}/acknowledge")
    await record(database, incident(1, seq=2000, change="escalated", severity="critical"))
    one = await (await client.get(f"/api/incidents/{opened}")).json()
    assert (one["severity"], one["acknowledged_by"]) == ("critical", "operator")


async def test_open_pages_hear_of_an_acknowledgement(client: Client, open_incident: Open) -> None:
    opened = await open_incident(1)
    with client.app[LIVE].listen(OPERATOR) as listener:
        await client.post(f"/api/incidents/{opened}/acknowledge")
        assert "incidents" in await listener.news(0)


async def test_the_timeline_says_what_happened_who_was_told_how_and_with_what_result(
    client: Client, open_incident: Open, database: Database
) -> None:
    opened = await open_incident(1)
    await record(database, incident(1, seq=2000, change="joined", last_seen=at(5)), notify=False)
    async with database.write() as tx:
        sent = await _delivery(tx, opened, "email", "ada@example.com", at_s=2)
        await outbox.claim(tx, [sent], to_micros(at(9)), to_micros(at(99)))
        await outbox.mark_sent(tx, [sent], to_micros(at(3)))
        failed = await _delivery(tx, opened, "slack", "#errors", at_s=4)
        await outbox.mark_failed(tx, [failed], "the channel is archived")
        await _delivery(tx, opened, "email", "bob@example.com", at_s=6)
        await incidents.acknowledge(tx, opened, "Ada", to_micros(at(7)))
    timeline = (await (await client.get(f"/api/incidents/{opened}")).json())["timeline"]
    assert [(each["words"], each["about"], each["state"]) for each in timeline] == [
        ("Opened", "This error has never been seen before in production.", None),
        ("Bell", "Opened: notified operator.", None),
        ("Mail", "To ada@example.com: sent.", "sent"),
        ("Slack", "To #errors: gave up. Last error: the channel is archived", "failed"),
        ("Another issue joined", "Now 2 issues: ValueError, KeyError.", None),
        (
            "Mail",
            "To bob@example.com: waiting, next attempt at 4 Mar 2025, 09:00:06 UTC.",
            "waiting",
        ),
        ("Acknowledged", "By Ada.", None),
    ]
    page = await (await client.get(f"/incidents/{opened}")).text()
    assert all(each["words"] in page for each in timeline)
    assert "To #errors: gave up. Last error: the channel is archived" in page


async def _delivery(
    tx: Transaction, incident: str, channel: ChannelName, receiver: str, at_s: float
) -> int:
    key = f"{incident}/{receiver}"
    new = NewDelivery(key=key, channel=channel, receiver=receiver, incident_id=incident, news=b"{}")
    await outbox.add(tx, [new], to_micros(at(at_s)))
    return (await outbox.newest(tx, outbox.DeliveryFilter(), 1))[0].id
