"""The page and the API of one issue, from what a real engine says of it."""

from typing import Any

import pytest
from msgspec.structs import replace

from engine.fold import finish, fold
from engine.memory.state import State
from server.incidents.record import Recorder
from server.keys import DATABASE, JOURNAL, LIVE, METRICS
from server.storage.main import checkpoints
from shared.pipe import Entry
from shared.pipe import State as StateLine
from tests.builders import bursting_days, event_entry, frame, resolve, silence
from tests.server.web.conftest import Client, Open

MINUTE = 60.0


class Engine:
    """An engine in this process, whose answers are recorded as the server records them."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.state = State()

    async def take(self, *entries: Entry) -> None:
        """Put `entries` into the journal and record what is made of them, with a checkpoint."""
        app = self.client.app
        unreceived = [replace(entry, received=None) for entry in entries]
        first = (await app[JOURNAL].append(unreceived, None)).seqs[0]
        said = []
        for seq, entry in enumerate(entries, first):
            said += fold(self.state, replace(entry, seq=seq))
        said += finish(self.state)
        recorder = Recorder(app[DATABASE], live=app[LIVE], metrics=app[METRICS], min_severity="all")
        await recorder.record(said, [])

    def only_issue(self) -> str:
        (fingerprint,) = self.state.issues
        return fingerprint


@pytest.fixture
def engine(client: Client) -> Engine:
    return Engine(client)


async def answered(client: Client, fingerprint: str) -> dict[str, Any]:
    async with client.get(f"/api/issues/{fingerprint}") as response:
        assert response.status == 200, await response.text()
        found: dict[str, Any] = await response.json()
        return found


async def page(client: Client, fingerprint: str) -> str:
    async with client.get(f"/issues/{fingerprint}") as response:
        assert response.status == 200
        return await response.text()


async def test_an_issue_has_its_counts_its_incidents_and_its_newest_events(
    client: Client, engine: Engine
) -> None:
    await engine.take(
        *(event_entry(None, MINUTE * number, message=f"price {number}") for number in range(12))
    )
    found = await answered(client, engine.only_issue())
    assert (found["service"], found["environment"]) == ("shop", "production")
    assert (found["exception_type"], found["message"]) == ("ValueError", "price 11")
    assert found["counted"]["events"] == 12
    assert found["counted"]["first_seen"] < found["counted"]["last_seen"]
    assert [each["seq"] for each in found["events"]] == list(range(12, 2, -1))
    assert [each["message"] for each in found["events"]][:2] == ["price 11", "price 10"]
    (incident,) = found["incidents"]
    assert {each["incident_id"] for each in found["events"]} == {incident["incident_id"]}
    assert (incident["trigger"], incident["ended_at"]) == ("new_issue", None)
    shown = await page(client, engine.only_issue())
    assert f'<a href="/incidents/{incident["incident_id"]}">open incident</a>' in shown
    assert shown.count('<a href="/events/') == 10
    assert "<dt>Events</dt><dd>12</dd>" in shown


async def test_of_a_known_issue_the_usual_rate_is_said(client: Client, engine: Engine) -> None:
    await engine.take(
        *(event_entry(None, MINUTE * number, environment="staging") for number in range(300))
    )
    found = await answered(client, engine.only_issue())
    assert found["incidents"] == []
    assert found["counted"]["usual_per_min"] == pytest.approx(1, rel=0.1)
    shown = await page(client, engine.only_issue())
    assert "a minute</dd>" in shown
    assert "It was never part of one." in shown
    assert "It is in no open incident." in shown


async def test_of_an_issue_that_bursts_each_day_the_usual_bursts_are_said(
    client: Client, engine: Engine
) -> None:
    assert "Usual bursts" not in await page_of_days(client, engine, 0, 2)
    assert "alike in the week before the last one" in await page_of_days(client, engine, 2, 12)
    found = await answered(client, engine.only_issue())
    assert found["counted"]["usual_bursts"] >= 4


async def test_how_many_events_were_retries_is_said(client: Client, engine: Engine) -> None:
    await engine.take(*(event_entry(None, number, trace_id="the same") for number in range(5)))
    assert (await answered(client, engine.only_issue()))["counted"]["retries"] == 4
    assert "<dt>Events</dt><dd>5, 4 of them retries</dd>" in await page(client, engine.only_issue())


async def page_of_days(client: Client, engine: Engine, first: int, last: int) -> str:
    """The issue's page after these days, each with a burst."""
    times = bursting_days(first, last)
    await engine.take(*(event_entry(None, at) for at in times))
    return await page(client, engine.only_issue())


async def test_each_event_and_each_incident_lead_to_the_issue(
    client: Client, engine: Engine
) -> None:
    await engine.take(event_entry(None))
    link = f'href="/issues/{engine.only_issue()}"'
    async with client.get("/events/1") as response:
        assert link in await response.text()
    for path in ("/api/events/1", "/api/decisions/1"):
        async with client.get(path) as response:
            assert (await response.json())["issue"] == engine.only_issue()
    (incident,) = engine.state.incidents
    async with client.get(f"/incidents/{incident}") as response:
        assert link in await response.text()
    await engine.take(event_entry(None, 1, stacktrace=[frame("shop/pay.py", "pay")]))
    async with client.get(f"/incidents/{incident}") as response:
        shown = await response.text()
    assert [f'href="/issues/{each}"' in shown for each in engine.state.issues] == [True, True]


async def test_who_silenced_or_resolved_it_sees_that(client: Client, engine: Engine) -> None:
    await engine.take(event_entry(None))
    issue = engine.only_issue()
    assert "silenced" not in await page(client, issue)
    await engine.take(silence(None, 1, issue=issue))
    assert "It is silenced for good." in await page(client, issue)
    assert (await answered(client, issue))["counted"]["silenced"] is True
    await engine.take(resolve(None, 2, issue=issue, release="shop@1.5"))
    shown = await page(client, issue)
    assert "It was resolved" in shown
    assert "in shop@1.5, and has not come back" in shown


async def test_what_is_secret_in_an_event_is_masked(client: Client, engine: Engine) -> None:
    await engine.take(
        event_entry(
            None,
            message="cannot sign in with password=hunter2",
            links={"source_url": "https://sentry.example/issues/7/?token=hunter2"},
        )
    )
    for shown in (
        str(await answered(client, engine.only_issue())),
        await page(client, engine.only_issue()),
    ):
        assert "hunter2" not in shown
        assert "https://sentry.example/issues/7/" in shown


async def test_an_issue_that_the_engine_forgot_still_has_its_incidents(
    client: Client, open_incident: Open
) -> None:
    incident_id = await open_incident(1)
    found = await answered(client, "f2")
    assert found["counted"] is None
    assert (found["exception_type"], found["message"]) == ("KeyError", "'currency'")
    assert [each["incident_id"] for each in found["incidents"]] == [incident_id]
    assert "PushLog has no counts of this issue" in await page(client, "f2")


@pytest.mark.parametrize("value", [b"{}", b'["shop"]', b"[]", b'"odd"'])
async def test_the_state_of_another_engine_is_no_issue(client: Client, value: bytes) -> None:
    async with client.app[DATABASE].write() as tx:
        await checkpoints.store(tx, 1, [StateLine("issue:f9", value)])  # type: ignore[arg-type]
    async with client.get("/issues/f9") as response:
        assert response.status == 404
        assert "There is no issue f9" in await response.text()


async def test_a_time_that_is_no_date_is_shown_as_the_last_that_is_one(
    client: Client, engine: Engine
) -> None:
    await engine.take(event_entry(None))
    issue = engine.state.issues[engine.only_issue()]
    issue.first_seen, issue.last_seen = -1e300, 1e300
    engine.state.changed.issue(engine.only_issue())
    await engine.take(silence(None, 1, issue="none"))
    counted = (await answered(client, engine.only_issue()))["counted"]
    assert counted["first_seen"].startswith("0005-")
    assert counted["last_seen"].startswith("9892-")
