"""An incident shows why somebody was not notified, by the settings of that time."""

from typing import Any, get_args

import pytest

from server.incidents.record import Recorder
from server.keys import DATABASE
from server.notify.live import Live
from server.notify.outlets import Outlets
from server.process.metrics import Metrics
from server.settings.settings import MinSeverity
from server.storage.database import Database
from server.storage.main import accounts, incidents, noise, not_told
from server.storage.main.noise import FilterValues
from server.storage.main.not_told import KeptFrom, Reason
from server.storage.times import to_micros
from server.wording.not_told import not_told_in_words
from shared.incident import Symptom
from shared.pipe import IncidentEnded
from tests.builders import START
from tests.server.web.conftest import Client, incident, incident_id
from tests.signed_in import OPERATOR, wish

NOISE = Symptom("a" * 16, "ValueError", "price is negative", 1)
NEWS = Symptom("b" * 16, "KeyError", "price", 1)


async def record(database: Database, floor: MinSeverity = "all", **changes: Any) -> None:
    recorder = Recorder(
        database, live=Live(), metrics=Metrics(), min_severity=floor, outlets=Outlets(email=True)
    )
    await recorder.record([incident(**changes)], [])


async def answered(client: Client) -> list[dict[str, Any]]:
    async with client.get(f"/api/incidents/{incident_id(1)}") as response:
        assert response.status == 200
        found: list[dict[str, Any]] = (await response.json())["not_told"]
        return found


async def reasons(client: Client) -> list[tuple[str | None, str, str]]:
    return [(each["person"], each["way"], each["reason"]) for each in await answered(client)]


async def set_wishes(database: Database, person: int = OPERATOR, **changes: Any) -> None:
    async with database.write() as tx:
        await wish(tx, person, **changes)


@pytest.mark.parametrize(
    ("wishes", "kept"),
    [
        ({}, []),
        ({"min_severity": "critical"}, [("operator", "any", "below_own_severity")]),
        ({"services": ["web"]}, [("operator", "any", "service_not_chosen")]),
        ({"environments": ["staging"]}, [("operator", "any", "environment_not_chosen")]),
        ({"email_incidents": False}, [("operator", "email", "mail_not_wanted")]),
        ({"email": None}, [("operator", "email", "no_address")]),
    ],
)
async def test_what_a_person_had_set_is_kept_as_the_reason(
    client: Client, wishes: dict[str, Any], kept: list[tuple[str, str, str]]
) -> None:
    await set_wishes(client.app[DATABASE], **wishes)
    await record(client.app[DATABASE])
    # Later settings do not change the past.
    await set_wishes(client.app[DATABASE], services=["none"])
    assert await reasons(client) == kept


async def test_below_the_severity_of_the_installation_nobody_is_told(client: Client) -> None:
    await record(client.app[DATABASE], "critical")
    (kept,) = await answered(client)
    assert kept["words"] == (
        "Opened: nobody was notified, because INCIDENT_NOTIFICATION_MIN_SEVERITY is critical."
    )
    assert (kept["person"], kept["way"], kept["change"]) == (None, "any", "opened")


async def test_a_noise_filter_is_named_until_it_is_told_after_all(client: Client) -> None:
    database = client.app[DATABASE]
    await set_wishes(database)
    async with database.write() as tx:
        await noise.add(tx, FilterValues(pattern="ValueError*"), "Ada")
    await record(database, top_symptoms=[NOISE])
    (kept,) = await answered(client)
    assert kept["reason"] == "noise_filter"
    assert "“ValueError*”" in kept["words"]
    # An issue that is not noise joins: people are told, and no reason is added.
    await record(database, change="joined", seq=2000, top_symptoms=[NOISE, NEWS])
    assert [each["reason"] for each in await answered(client)] == ["noise_filter"]


async def test_each_change_has_its_own_reasons(client: Client) -> None:
    database = client.app[DATABASE]
    await set_wishes(database, min_severity="critical")
    await record(database)
    await record(database, change="escalated", seq=2000, severity="critical")
    assert [(each["change"], each["reason"]) for each in await answered(client)] == [
        ("opened", "below_own_severity")
    ]


async def test_reasons_go_with_their_incident_and_with_their_person(client: Client) -> None:
    database = client.app[DATABASE]
    async with database.write() as tx:
        other = await accounts.add(
            tx, name="Bo", email="bo@acme.example", role="member", hashed="x"
        )
    await set_wishes(database, services=[])
    await set_wishes(database, other, email="bo@acme.example", services=[])
    await record(database)
    assert [person for person, _, _ in await reasons(client)] == ["operator", "Bo"]
    async with database.write() as tx:
        # Somebody must be left who can let others in.
        await accounts.add(tx, name="Cy", email="cy@acme.example", role="admin", hashed="x")
        assert await accounts.remove(tx, other)
    assert [person for person, _, _ in await reasons(client)] == ["operator"]
    async with database.write() as tx:
        await incidents.end(tx, IncidentEnded(incident_id(1), "resolved", START))
        late = to_micros(START) + 10**12
        assert await incidents.remove_old(tx, late, 10**9, 10) == 1
    async with database.read() as tx:
        assert await not_told.of_incident(tx, incident_id(1), 10) == []


@pytest.mark.parametrize("reason", get_args(Reason))
def test_each_reason_has_a_sentence(reason: Reason) -> None:
    kept = KeptFrom(
        at=START, change="escalated", person="Ada", way="any", reason=reason, detail="error"
    )
    words = not_told_in_words(kept).words
    assert words.startswith("Got worse: Ada was not notified, because ")
    assert words.endswith(".")
    assert "None" not in words


async def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    async with client.get(f"/api/not-told?{query}") as response:
        assert response.status == 200
        found: list[dict[str, Any]] = (await response.json())["not_told"]
        return found


async def test_all_who_were_not_told_are_listed_newest_first_a_page_at_a_time(
    client: Client, database: Database
) -> None:
    await set_wishes(database, min_severity="critical")
    for number in (1, 2, 3):
        await record(database, number=number)
    found = await listed(client)
    assert [each["incident_id"] for each in found] == [incident_id(each) for each in (3, 2, 1)]
    assert found[0] == {
        "at": found[0]["at"],
        "change": "opened",
        "person": "operator",
        "way": "any",
        "reason": "below_own_severity",
        "words": "Opened: operator was not notified, because they only want critical incidents.",
        "incident_id": incident_id(3),
        "title": "ValueError: price 3 is negative",
        "service": "shop",
        "environment": "production",
    }
    assert await listed(client, f"incident_id={incident_id(2)}") == [found[1]]
    assert await listed(client, "person=operator") == found
    assert await listed(client, "person=nobody") == []
    async with client.get("/api/not-told?limit=2") as response:
        page = await response.json()
    assert page["not_told"] == found[:2]
    assert await listed(client, f"before={page['next']}") == found[2:]


async def test_the_page_of_who_was_not_told_says_it_in_words(
    client: Client, database: Database
) -> None:
    async with client.get("/deliveries/not-told") as response:
        assert "Everybody was told of everything." in await response.text()
    await set_wishes(database, min_severity="critical")
    await record(database)
    for query in ("", "?person=operator"):
        async with client.get(f"/deliveries/not-told{query}") as response:
            shown = await response.text()
        assert f'href="/incidents/{incident_id(1)}"' in shown
        assert "operator was not notified, because they only want critical incidents." in shown
    async with client.get("/deliveries/not-told?person=ada") as response:
        assert "ada was told of everything." in await response.text()
