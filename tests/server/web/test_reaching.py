"""The API of what people are told: deliveries, settings, wishes of incidents, noise filters."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from server.keys import DATABASE, JOURNAL
from server.notify.channel import ChannelName
from server.storage.database import Database
from server.storage.main import outbox
from server.storage.main.outbox import NewDelivery
from server.storage.times import to_micros
from shared.pipe import Resolve, Silence, decode_inbound
from tests.server.notify.news import opened
from tests.server.web.conftest import Box, Boxes, Client, Open

SETTINGS = "/api/settings/notifications"


async def ask(client: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with client.request(method, path, json=body) as response:
        return response.status, await response.json()


async def post(database: Database, key: str, channel: ChannelName = "slack") -> int:
    async with database.write() as tx:
        new = NewDelivery(
            key=key,
            channel=channel,
            receiver="#alerts",
            incident_id="inc-0000000000000001",
            news=msgspec.json.encode(opened()),
        )
        await outbox.add(tx, [new], to_micros(datetime.now(UTC)))
        return (await outbox.newest(tx, outbox.DeliveryFilter(), 1))[0].id


async def test_deliveries_are_listed_with_what_became_of_them(
    client: Client, database: Database
) -> None:
    first, second = await post(database, "a"), await post(database, "b")
    async with database.write() as tx:
        await outbox.mark_failed(tx, [first], "the channel is archived", "settings")
    status, page = await ask(client, "GET", "/api/deliveries?limit=1")
    assert status == 200
    assert page["counts"] == {"waiting": 1, "sending": 0, "sent": 0, "failed": 1, "digested": 0}
    assert [each["key"] for each in page["deliveries"]] == ["b"]
    assert page["next"] == second
    _, page = await ask(client, "GET", "/api/deliveries?state=failed&channel=slack")
    (failed,) = page["deliveries"]
    assert (failed["last_error"], failed["next_at"]) == ("the channel is archived", None)
    assert failed["failure"] == "settings"
    _, whole = await ask(client, "GET", f"/api/deliveries/{first}")
    assert whole["news"]["incident"]["title"] == "ValueError: price is negative"
    assert (await ask(client, "GET", "/api/deliveries?state=lost"))[0] == 400
    assert (await ask(client, "GET", "/api/deliveries/99"))[0] == 404


async def test_by_a_channel_that_is_not_set_up_nothing_is_sent_again(
    client: Client, database: Database
) -> None:
    row_id = await post(database, "a")
    status, refused = await ask(client, "POST", f"/api/deliveries/{row_id}/resend")
    assert (status, "slack is not set up" in refused["error"]) == (409, True)


async def test_what_failed_is_sent_again_when_somebody_asks(with_boxes: Boxes) -> None:
    client = await with_boxes(Box("slack"))
    database = client.app[DATABASE]
    row_id = await post(database, "a")
    status, refused = await ask(client, "POST", f"/api/deliveries/{row_id}/resend")
    assert (status, refused["error"]) == (409, "This message is waiting, and will be sent anyway.")
    async with database.write() as tx:
        await outbox.mark_failed(tx, [row_id], "gone")
    assert (await ask(client, "POST", f"/api/deliveries/{row_id}/resend"))[0] == 202
    _, page = await ask(client, "GET", "/api/deliveries")
    assert [each["state"] for each in page["deliveries"]] == ["waiting"]
    assert (await ask(client, "POST", "/api/deliveries/99/resend"))[0] == 404


async def test_a_channel_can_be_tried_and_says_what_went_wrong(with_boxes: Boxes) -> None:
    email = Box("email")
    client = await with_boxes(email, Box("slack", trouble="the channel is archived"))
    assert (await ask(client, "POST", "/api/channels/pigeon/test"))[0] == 404
    status, failed = await ask(client, "POST", "/api/channels/slack/test")
    assert (status, failed["error"]) == (502, "the channel is archived.")
    assert (await ask(client, "POST", "/api/channels/email/test"))[0] == 409
    await ask(client, "PUT", SETTINGS, {"email": "ada@acme.example"})
    status, sent = await ask(client, "POST", "/api/channels/email/test")
    assert (status, sent["receiver"]) == (200, "ada@acme.example")
    assert [letter.receiver for letter in email.letters] == ["ada@acme.example"]


async def test_a_person_sets_what_they_want_to_hear_of(client: Client) -> None:
    _, before = await ask(client, "GET", SETTINGS)
    assert before["email"] is None
    status, after = await ask(
        client,
        "PUT",
        SETTINGS,
        {
            "email": "ada@acme.example",
            "email_incidents": True,
            "min_severity": "critical",
            "services": ["shop"],
            "environments": ["prod"],
        },
    )
    assert status == 200
    assert after["environments"] == ["production"]
    _, after = await ask(client, "PUT", SETTINGS, {"services": None})
    assert (after["services"], after["min_severity"]) == (None, "critical")
    assert (await ask(client, "GET", SETTINGS))[1] == after


@pytest.mark.parametrize(
    "body",
    [
        {"email": "ada"},
        {"email": "a@b\r\nBcc: c@d"},
        {"email_incidents": True},
        {"min_severity": "some"},
        {"services": [""]},
        {"colour": "red"},
        [],
    ],
)
async def test_a_wrong_setting_is_refused(client: Client, body: Any) -> None:
    before = await ask(client, "GET", SETTINGS)
    assert (await ask(client, "PUT", SETTINGS, body))[0] == 400
    assert await ask(client, "GET", SETTINGS) == before


async def test_resolve_silence_and_snooze_are_entries_of_the_journal(
    client: Client, open_incident: Open
) -> None:
    incident_id = await open_incident()
    path = f"/api/incidents/{incident_id}"
    assert (await ask(client, "POST", f"{path}/resolve"))[0] == 202
    until = "2099-01-01T00:00:00Z"
    body = {"until": until, "reason": "known"}
    assert (await ask(client, "POST", f"{path}/silence", body))[0] == 202
    assert (await ask(client, "POST", f"{path}/snooze", {"minutes": 30}))[0] == 202
    entries = await client.app[JOURNAL].read(0, 10, 1_000_000)
    resolved, silenced, snoozed = [decode_inbound(entry.body) for entry in entries]
    assert isinstance(resolved, Resolve)
    assert (resolved.incident_id, resolved.by) == (incident_id, "operator")
    assert isinstance(silenced, Silence)
    assert (silenced.until, silenced.reason) == (datetime(2099, 1, 1, tzinfo=UTC), "known")
    assert isinstance(snoozed, Silence)
    assert snoozed.until is not None
    assert abs(snoozed.until - snoozed.time - timedelta(minutes=30)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("silence", {"until": "tomorrow"}, 400),
        ("silence", {"reason": "x" * 501}, 400),
        ("snooze", {}, 400),
        ("snooze", {"minutes": 0}, 400),
        ("snooze", {"minutes": 10**9}, 400),
    ],
)
async def test_a_wrong_wish_is_refused(
    client: Client, open_incident: Open, action: str, body: Any, status: int
) -> None:
    incident_id = await open_incident()
    assert (await ask(client, "POST", f"/api/incidents/{incident_id}/{action}", body))[0] == status
    unknown = "/api/incidents/inc-ffffffffffffffff/resolve"
    assert (await ask(client, "POST", unknown))[0] == 404


async def test_noise_filters_are_off_visible_and_editable(client: Client) -> None:
    _, listed = await ask(client, "GET", "/api/noise-filters")
    assert listed["noise_filters"]
    assert not any(each["enabled"] for each in listed["noise_filters"])
    body = {"pattern": "TimeoutError*", "about": "the bank is slow", "enabled": True}
    status, added = await ask(client, "POST", "/api/noise-filters", body)
    assert (status, added["held_back"]) == (201, 0)
    assert (await ask(client, "POST", "/api/noise-filters", body))[0] == 409
    path = f"/api/noise-filters/{added['id']}"
    status, changed = await ask(client, "PUT", path, body | {"enabled": False})
    assert (status, changed["enabled"]) == (200, False)
    taken = {"pattern": listed["noise_filters"][0]["pattern"]}
    assert (await ask(client, "PUT", path, taken))[0] == 409
    assert (await ask(client, "DELETE", path))[0] == 200
    assert (await ask(client, "DELETE", path))[0] == 404
    assert (await ask(client, "PUT", path, body))[0] == 404
    assert (await ask(client, "POST", "/api/noise-filters", {"pattern": "**"}))[0] == 400


async def test_an_incident_can_be_made_quiet_from_its_page(
    client: Client, open_incident: Open
) -> None:
    incident_id = await open_incident()
    page = f"/incidents/{incident_id}"
    async with client.get(page) as response:
        assert f'action="{page}/silence"' in await response.text()
    async with client.post(f"{page}/resolve", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, page)
    form = {"minutes": "60", "reason": " known "}
    async with client.post(f"{page}/silence", data=form, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, page)
    async with client.post(f"{page}/silence", data={"minutes": "soon"}) as response:
        assert response.status == 400
    async with client.post(f"{page}/snooze", data=form, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, page)
    for minutes in ("", "0", "soon", "43201"):
        async with client.post(f"{page}/snooze", data={"minutes": minutes}) as response:
            assert response.status == 400
    entries = await client.app[JOURNAL].read(0, 10, 1_000_000)
    resolved, *silences = [decode_inbound(entry.body) for entry in entries]
    assert isinstance(resolved, Resolve)
    assert len(silences) == 2
    for silence in silences:
        assert isinstance(silence, Silence)
        assert silence.reason == "known"
        assert silence.until == silence.time + timedelta(hours=1)


async def test_the_page_of_deliveries_shows_what_failed_and_sends_it_again(
    with_boxes: Boxes,
) -> None:
    client = await with_boxes(Box("slack"))
    row_id = await post(client.app[DATABASE], "a<b>")
    async with client.app[DATABASE].write() as tx:
        await outbox.mark_failed(tx, [row_id], "the channel is archived", "settings")
    async with client.get("/deliveries?state=failed") as response:
        shown = await response.text()
    assert "a&lt;b&gt;" in shown
    assert "<strong>Settings or account</strong>: the channel is archived" in shown
    async with client.post(f"/deliveries/{row_id}/resend", allow_redirects=False) as response:
        assert response.status == 303
    async with client.get("/deliveries") as response:
        assert "waiting" in await response.text()
