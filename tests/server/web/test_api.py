"""The API says the same as the pages, and errors as JSON."""

import pytest

from server.storage.database import Database
from server.storage.main import decisions, incident_users
from server.storage.main.incident_users import MAX_USERS
from shared.decisions import Code
from shared.incident import Numbers
from shared.pipe import Decision
from tests.server.web.conftest import Client, Open, incident, incident_id, record


async def test_an_incident_is_told_whole_with_its_reason_in_words(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    listed = (await (await client.get("/api/incidents")).json())["incidents"]
    one = await (await client.get(f"/api/incidents/{opened}")).json()
    assert len(listed) == 1
    assert one["incident_id"] == opened
    assert {name: one[name] for name in listed[0]} == listed[0]
    assert one["state"] == "open"
    assert one["explanation"] == "This error has never been seen before in production."
    assert one["opened_seq"] == 1001
    assert one["url"] == f"http://localhost:3000/incidents/{opened}"
    assert [change["change"] for change in one["changes"]] == ["opened"]
    # Values that equal their default are included, so nobody has to know our defaults.
    assert one["top_symptoms"][0]["spike_factor"] == 1.0
    assert one["api_route"] is None
    assert one["suspected_causes"][0]["confidence"] == 0.588


async def test_one_incident_says_how_many_users_it_affected_and_the_list_does_not(
    client: Client, open_incident: Open, database: Database
) -> None:
    opened = await open_incident(1)
    for users, said in ((0, 0), (37, 37), (MAX_USERS + 1, MAX_USERS)):
        async with database.write() as tx:
            await incident_users.add(tx, {opened: range(users)})
        one = await (await client.get(f"/api/incidents/{opened}")).json()
        assert one["users"] == said
    (listed,) = (await (await client.get("/api/incidents")).json())["incidents"]
    assert "users" not in listed


async def test_pages_of_incidents_join_without_a_gap(client: Client, database: Database) -> None:
    for number in range(7):
        await record(database, incident(number), notify=False)
    seen, query = [], {"limit": "3"}
    while True:
        body = await (await client.get("/api/incidents", params=query)).json()
        seen += [each["incident_id"] for each in body["incidents"]]
        if body["next"] is None:
            break
        query["before"] = body["next"]
    assert seen == [incident_id(number) for number in reversed(range(7))]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=open", [2, 1]),
        ("state=ended", []),
        ("service=billing", [2]),
        ("environment=staging", [1]),
        ("trigger=spike", [2]),
        ("severity=warning", [2, 1]),
        ("severity=error", [2]),
        ("severity=critical", []),
        ("state=all&severity=error&service=shop", []),
        ("service=", [2, 1]),
    ],
)
async def test_filters_narrow_what_is_listed(
    client: Client, open_incident: Open, query: str, found: list[int]
) -> None:
    await open_incident(1, environment="staging", severity="warning")
    await open_incident(2, service="billing", trigger="spike", trigger_numbers={})
    body = await (await client.get(f"/api/incidents?{query}")).json()
    assert [each["incident_id"] for each in body["incidents"]] == list(map(incident_id, found))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/incidents?limit=x", 400),
        ("/api/incidents?limit=201", 400),
        ("/api/incidents?trigger=x", 400),
        ("/api/incidents/inc-1", 404),
        ("/api/notifications?before=x", 400),
        ("/api/decisions/17", 404),
        ("/api/decisions/x", 404),
        ("/api/dead-letters/1", 404),
        ("/api/nothing", 404),
    ],
)
async def test_an_error_is_json_with_a_sentence(client: Client, path: str, status: int) -> None:
    response = await client.get(path)
    assert response.status == status
    assert list(await response.json()) == ["error"]


async def test_notifications_are_counted_listed_and_marked(
    client: Client, open_incident: Open
) -> None:
    for number in range(1, 4):
        await open_incident(number)
    body = await (await client.get("/api/notifications?limit=2")).json()
    assert body["unread"] == 3
    assert [each["id"] for each in body["notifications"]] == [3, 2]
    assert body["next"] == 2
    body = await (await client.get("/api/notifications?before=2")).json()
    assert ([each["id"] for each in body["notifications"]], body["next"]) == ([1], None)

    assert await (await client.post("/api/notifications/2/read")).json() == {"unread": 2}
    first = await (await client.get("/api/notifications")).json()
    assert await (await client.post("/api/notifications/2/read")).json() == {"unread": 2}
    assert await (await client.get("/api/notifications")).json() == first
    response = await client.post("/api/notifications/read-all?up_to=2")
    assert await response.json() == {"unread": 1}
    assert await (await client.post("/api/notifications/read-all")).json() == {"unread": 0}


async def test_a_notification_of_nobody_is_not_found(client: Client) -> None:
    for path in ("/api/notifications/9/read", "/notifications/9/read"):
        assert (await client.post(path)).status == 404


async def test_every_decision_can_be_looked_up_with_its_reason(
    client: Client, database: Database
) -> None:
    numbers: Numbers = {"trigger": "alert", "alert_rule": "High p95"}
    async with database.write() as tx:
        await decisions.store(
            tx,
            [
                Decision(5, Code.KNOWN),
                Decision(
                    6, Code.OPENED, "inc-1", {"trigger": "alert", "alert_rule": "High p95"}, "f1"
                ),
            ],
        )
    body = await (await client.get("/api/decisions/6")).json()
    assert body == {
        "seq": 6,
        "code": "opened",
        "incident_id": "inc-1",
        "numbers": numbers,
        "issue": "f1",
        "reason": ("It opened an incident (inc-1). The alert rule “High p95” fired at the source."),
    }
    body = await (await client.get("/api/decisions/5")).json()
    assert body["reason"] == "Its issue is known and not unusually frequent."
