"""Routes are made, put in order and tried out, on their page and with the API."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from msgspec.structs import replace
from pytest_aiohttp import AiohttpClient

from server.keys import DATABASE
from server.notify.apprise.channel import apprise_receiver
from server.storage.main import accounts, incident_users, noise, notification_routes
from server.storage.main.noise import FilterValues
from server.storage.main.notification_routes import Route, RouteTarget, RouteValues, Timing
from tests.builders import frame
from tests.server.web.conftest import SIGNED_IN, Client, Open, build
from tests.signed_in import OPERATOR, wish

PAGE = "/settings/routes"
BOT = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_CHANNEL": "#alerts",
    "SMTP_HOST": "mail.example",
    "SMTP_FROM": "pushlog@acme.example",
    "APPRISE_URLS": "ntfy://ntfy.example/s3cret",
}
NTFY = apprise_receiver(BOT["APPRISE_URLS"])
AFTER_TEN = {"when": "after_events", "count": 10}


@pytest.fixture
async def client(database_path: Path, aiohttp_client: AiohttpClient) -> Client:
    """The operator's browser, where mail and a bot in Slack are set up."""
    return await aiohttp_client(build(database_path.parent, environ=BOT), cookies=SIGNED_IN)


async def ask(client: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with client.request(method, path, json=body) as response:
        return response.status, await response.json()


async def post(client: Client, address: str, /, **fields: str | list[str]) -> tuple[int, str]:
    form = FormData()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            form.add_field(name, value)
    async with client.post(address, data=form()) as response:
        return response.status, await response.text()


async def routes(client: Client) -> list[Route]:
    async with client.app[DATABASE].read() as tx:
        return await notification_routes.everything(tx)


async def add(client: Client, **values: Any) -> Route:
    async with client.app[DATABASE].write() as tx:
        return await notification_routes.add(tx, RouteValues(**values), "ada")


async def test_a_route_is_made_shown_changed_and_removed_on_its_page(client: Client) -> None:
    status, page = await post(
        client,
        PAGE,
        service="shop",
        trigger="new_issue",
        path="billing/",
        enabled="on",
        when="after_users",
        count="5",
        whom="only",
        people=[str(OPERATOR)],
        where="only",
        targets=["slack/", f"apprise/{NTFY}"],
        slack_channel="#billing",
    )
    assert status == 200
    assert "Saved." in page
    assert "1. New issues of shop with billing/ in the stack trace" in page
    assert "When: after 5 users" in page
    assert "Who: operator" in page
    assert f"Where: the usual channel of Slack, Apprise {NTFY}, Slack #billing" in page
    assert "s3cret" not in page
    (made,) = await routes(client)
    assert made == Route(
        id=made.id,
        made_by="operator",
        service="shop",
        trigger="new_issue",
        path="billing/",
        timing=Timing("after_users", 5),
        people=[OPERATOR],
        targets=[
            RouteTarget("slack"),
            RouteTarget("apprise", NTFY),
            RouteTarget("slack", "#billing"),
        ],
    )
    status, page = await post(client, f"{PAGE}/{made.id}", when="daily")
    assert status == 200
    (changed,) = await routes(client)
    assert changed == Route(id=made.id, made_by="operator", timing=Timing("daily"), enabled=False)
    _, page = await post(client, f"{PAGE}/{made.id}", remove="on")
    assert "The route is removed." in page
    assert await routes(client) == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "a route must decide something"),
        ({"when": "after_events"}, "`count` is needed"),
        ({"when": "after_events", "count": "1"}, "count"),
        ({"when": "after_users", "count": "1001"}, "count"),
        ({"when": "soon"}, "soon"),
        ({"whom": "only", "where": "only"}, "tells nobody"),
        ({"when": "never", "path": "//"}, "must name a file or a folder"),
        ({"whom": "only", "people": ["99"]}, "nobody here has the id 99"),
        ({"where": "only", "targets": ["webhook/x.example#1"]}, "is not set up"),
        ({"where": "only", "targets": ["pigeon/x"]}, "pigeon"),
        ({"when": "never", "severity": "mild"}, "mild"),
    ],
)
async def test_what_is_wrong_with_a_form_is_said_and_nothing_is_made(
    client: Client, fields: dict[str, Any], problem: str
) -> None:
    status, page = await post(client, PAGE, service="shop", **fields)
    assert status == 400
    assert problem in page
    assert 'name="service" value="shop"' in page
    assert await routes(client) == []


async def test_the_form_of_a_route_is_filled_with_what_it_says(client: Client) -> None:
    first = await add(
        client,
        environment="staging",
        severity="critical",
        timing=Timing("after_events", 7),
        targets=[RouteTarget("slack"), RouteTarget("slack", "#billing")],
    )
    second = await add(client, people=[OPERATOR], timing=Timing("never"), enabled=False)
    async with client.get(PAGE) as response:
        page = await response.text()
    of_first, of_second = (
        page.partition(f'id="edit-{each.id}"')[2].partition("</details>")[0]
        for each in (first, second)
    )
    for filled in (
        'name="environment" value="staging"',
        '<option value="critical" selected>',
        '<option value="after_events" selected>',
        'name="count" type="number" min="2" max="1000" value="7"',
        'name="targets" type="checkbox" value="slack/" checked',
        'name="slack_channel" value="#billing"',
        'name="enabled" type="checkbox" value="on" checked',
    ):
        assert filled in of_first
    assert of_first.count('<option value="only" selected>') == 1
    assert f'type="checkbox" value="{OPERATOR}" checked' in of_second
    assert 'name="slack_channel" value=""' in of_second
    assert of_second.count(" checked") == 1
    for each, said in ((of_first, first), (of_second, second)):
        assert f"/settings/routes/{said.id}" in each


async def test_what_a_route_names_and_is_no_longer_set_up_is_shown(client: Client) -> None:
    await add(client, targets=[RouteTarget("slack", "#billing"), RouteTarget("apprise", "ntfy#1")])
    async with client.get(PAGE) as response:
        assert "No longer set up: Apprise ntfy#1<" in await response.text()


async def test_a_route_is_moved_up_until_it_is_the_first(client: Client) -> None:
    first, second, third = [await add(client, timing=Timing("daily")) for _ in range(3)]
    await post(client, f"{PAGE}/{third.id}", up="on")
    assert [each.id for each in await routes(client)] == [first.id, third.id, second.id]
    for _ in range(2):
        await post(client, f"{PAGE}/{third.id}", up="on")
    assert [each.id for each in await routes(client)] == [third.id, first.id, second.id]
    assert (await post(client, f"{PAGE}/99", up="on"))[0] == 404


async def test_programs_make_order_change_and_remove_routes(client: Client) -> None:
    body = {"service": "shop", "timing": AFTER_TEN, "people": [OPERATOR]}
    status, made = await ask(client, "POST", "/api/routes", body)
    assert status == 201
    assert made["timing"] == AFTER_TEN
    _, other = await ask(client, "POST", "/api/routes", {"timing": {"when": "never"}})
    path = f"/api/routes/{made['id']}"
    assert (await ask(client, "PUT", path, {"targets": []}))[1]["people"] is None
    ids = [other["id"], made["id"]]
    _, ordered = await ask(client, "PUT", "/api/routes/order", {"ids": ids})
    _, listed = await ask(client, "GET", "/api/routes")
    assert [each["id"] for each in listed["routes"]] == ids
    assert ordered == listed
    for wrong in (ids[:1], [*ids, 99], [ids[0], ids[0]]):
        assert (await ask(client, "PUT", "/api/routes/order", {"ids": wrong}))[0] == 409
    assert await ask(client, "DELETE", path) == (200, {"id": made["id"], "removed": True})
    for method, wrong_body in (("DELETE", None), ("PUT", body)):
        assert (await ask(client, method, path, wrong_body))[0] == 404


@pytest.mark.parametrize(
    "timing",
    [
        {"when": "daily", "count": 5},
        {"when": "after_events"},
        {"when": "after_users", "count": 1},
        {"when": "after_users", "count": 1001},
        {"when": "later"},
        {"when": "daily", "hour": 9},
    ],
)
async def test_a_wrong_timing_is_refused(client: Client, timing: dict[str, Any]) -> None:
    status, said = await ask(client, "POST", "/api/routes", {"timing": timing})
    assert status == 400
    assert "timing" in said["error"]


async def test_a_route_takes_a_service_as_long_as_an_event_does(client: Client) -> None:
    for length, status in ((128, 201), (129, 400)):
        body = {"timing": {"when": "never"}, "service": "s" * length}
        assert (await ask(client, "POST", "/api/routes", body))[0] == status


async def test_who_is_removed_is_in_no_route_any_more(client: Client) -> None:
    async with client.app[DATABASE].write() as tx:
        bo = await accounts.add(tx, name="Bo", email="bo@acme.example", role="member", hashed="x")
        await accounts.add(tx, name="Cy", email="cy@acme.example", role="admin", hashed="x")
    both = await add(client, people=[bo, OPERATOR])
    alone = await add(client, people=[bo])
    async with client.app[DATABASE].write() as tx:
        await accounts.remove(tx, bo)
    assert await routes(client) == [
        replace(both, people=[OPERATOR]),
        replace(alone, people=None),
    ]


async def test_a_preview_counts_what_each_choice_would_have_told_and_adds_nothing(
    client: Client, open_incident: Open
) -> None:
    today = {"start_time": datetime.now(UTC)}
    await open_incident(1, event_count=3, **today)
    often = await open_incident(2, event_count=10, **today)
    await open_incident(3, severity="critical", event_count=1, **today)
    await open_incident(4, service="other", event_count=99, **today)
    async with client.app[DATABASE].write() as tx:
        await incident_users.add(tx, {often: range(10)})
    body = {"service": "shop", "timing": AFTER_TEN}
    status, found = await ask(client, "POST", "/api/routes/preview", body)
    assert status == 200
    days = {"days": 30, "incidents": 3, "critical": 1, "count": 10, "mornings": 1, "never": 0}
    assert found == days | {"at_once": 3, "after_events": 2, "after_users": 2, "daily": 3}
    _, page = await post(client, PAGE, preview="on", service="shop", when="after_users", count="11")
    assert "3 incidents of the last 30 days match." in page
    assert "after 11 events: of 1" in page
    assert "after 11 users: of 1" in page
    assert "1 became critical" in page
    assert await routes(client) == []


async def test_who_would_hear_of_a_real_incident_is_said(
    client: Client, open_incident: Open
) -> None:
    async with client.app[DATABASE].write() as tx:
        await wish(tx, email="ada@acme.example")
    incident = await open_incident(stacktrace=[frame(file="billing/pay.py")])
    _, found = await ask(client, "POST", "/api/routes/who", {"incident_id": incident})
    assert (found["words"], found["routes"], found["bells"]) == ("at once", [], ["operator"])
    assert [(each["channel"], each["receiver"]) for each in found["messages"]] == [
        ("email", "ada@acme.example"),
        ("slack", "#alerts"),
        ("apprise", NTFY),
    ]
    route = await add(
        client, path="billing/", timing=Timing("daily"), targets=[RouteTarget("slack", "#pay")]
    )
    await add(client, path="web/", timing=Timing("never"))
    _, found = await ask(client, "POST", "/api/routes/who", {"incident_id": incident})
    assert (found["words"], found["routes"]) == ("in the morning", [route.id])
    assert [each["receiver"] for each in found["messages"]] == ["ada@acme.example", "#pay"]
    async with client.get(f"/incidents/{incident}") as response:
        assert f"{PAGE}?incident={incident}#who" in await response.text()
    async with client.get(PAGE, params={"incident": incident}) as response:
        page = await response.text()
    assert "in the morning" in page
    assert "Slack: #pay" in page
    assert "Routes that match: 1." in page


async def test_who_would_hear_of_a_made_up_incident_is_said_and_who_not(client: Client) -> None:
    await add(client, severity="critical", people=[])
    made_up = {"service": "shop", "severity": "critical", "path": "/app/billing/pay.py"}
    status, found = await ask(client, "POST", "/api/routes/who", made_up)
    assert status == 200
    assert found["bells"] == []
    assert [each["words"] for each in found["not_told"]] == [
        "Opened: operator was not notified, because a route names others."
    ]
    asked = {"for_service": "shop", "for_severity": "error", "for_environment": "staging"}
    async with client.get(PAGE, params=asked) as response:
        page = await response.text()
    assert "<strong>Bell:</strong> operator" in page
    assert 'value="staging"' in page


async def test_of_noise_nobody_would_hear(client: Client, open_incident: Open) -> None:
    incident = await open_incident()
    async with client.app[DATABASE].write() as tx:
        await noise.add(tx, FilterValues(pattern="*"), "ada")
    _, found = await ask(client, "POST", "/api/routes/who", {"incident_id": incident})
    assert (found["noise_filter"], found["bells"], found["messages"]) == ("*", [], [])
    async with client.get(PAGE, params={"incident": incident}) as response:
        assert "Nobody: the noise filter" in await response.text()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"incident_id": "inc-0000000000000009"}, 404),
        ({"incident_id": "inc-0000000000000009", "service": "shop"}, 400),
        ({"service": "shop", "severity": "mild"}, 400),
        ({"service": "shop", "environment": ""}, 400),
    ],
)
async def test_a_wrong_question_is_refused(
    client: Client, body: dict[str, Any], status: int
) -> None:
    assert (await ask(client, "POST", "/api/routes/who", body))[0] == status
