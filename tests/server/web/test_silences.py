"""What nobody is notified of is listed with who, why and until when, and lifted with one press."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.incidents.record import Recorder
from server.keys import DATABASE, JOURNAL
from server.notify.live import Live
from server.process.metrics import Metrics
from server.storage.journal.entry import JournalEntry
from server.storage.main import incidents
from shared.decisions import Code
from shared.pipe import Decision, IncidentEnded, Silence, decode_inbound
from tests.builders import event_entry
from tests.server.web.conftest import Client, Open

NOW = datetime.now(UTC).replace(microsecond=0)


async def silence(client: Client, incident_id: str, *alarms: Code, **changes: Any) -> None:
    """What follows from a silence and these decisions about the incident's issues after it."""
    fields: dict[str, Any] = {"incident_id": incident_id, "by": "Ada", "time": NOW}
    wish = Silence(**(fields | changes))
    journal = client.app[JOURNAL]
    events = [event_entry(seq=None, received=None) for _ in alarms]
    seq, *later = (await journal.append([wish, *events], None)).seqs
    stored = await journal.get(seq)
    assert isinstance(stored, JournalEntry)
    recorder = Recorder(
        client.app[DATABASE], live=Live(), metrics=Metrics(), min_severity="all", now=lambda: NOW
    )
    said = [Decision(at, code, incident_id) for at, code in zip(later, alarms, strict=True)]
    await recorder.record([Decision(seq, Code.NOTED), *said], [stored])


async def page(client: Client, path: str = "/settings/silences") -> str:
    async with client.get(path) as response:
        assert response.status == 200
        return await response.text()


async def listed(client: Client) -> list[dict[str, Any]]:
    async with client.get("/api/silences") as response:
        found: list[dict[str, Any]] = (await response.json())["silences"]
        return found


async def test_what_is_silenced_says_who_why_until_when_and_what_it_held_back(
    client: Client, open_incident: Open
) -> None:
    assert "Nothing is silenced." in await page(client)
    opened = await open_incident(1)
    until = NOW + timedelta(days=1)
    await silence(client, opened, Code.SILENCED, Code.SILENCED, until=until, reason="known <3")
    for shown in (await page(client), await page(client, f"/incidents/{opened}")):
        assert "by Ada" in shown
        assert f"{until:%H:%M:%S} UTC</time>: known &lt;3" in shown
        assert "held back 2 alarms" in shown
    (one,) = await listed(client)
    assert (one["incident_id"], one["service"], one["by"]) == (opened, "shop", "Ada")
    assert (one["reason"], one["held_back"]) == ("known <3", 2)


async def test_a_silence_for_good_says_so_and_a_later_one_of_the_same_incident_replaces_it(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    await silence(client, opened, Code.SILENCED, until=NOW + timedelta(hours=1), reason="first")
    await silence(client, opened, reason="second")
    shown = await page(client)
    assert "for good: second" in shown
    assert "first" not in shown
    assert [(each["until"], each["held_back"]) for each in await listed(client)] == [(None, 0)]


@pytest.mark.parametrize("until", [NOW - timedelta(seconds=1), NOW - timedelta(days=9)])
async def test_what_is_over_is_not_listed(
    client: Client, open_incident: Open, until: datetime
) -> None:
    opened = await open_incident(1)
    await silence(client, opened, time=NOW - timedelta(days=10), until=until)
    assert "Nothing is silenced." in await page(client)
    assert "Lift the silence" not in await page(client, f"/incidents/{opened}")


@pytest.mark.parametrize(
    ("press", "back"),
    [
        ("/settings/silences/{}/lift", "/settings/silences?said=lifted"),
        ("/incidents/{}/lift", "/incidents/{}"),
    ],
)
async def test_one_press_lifts_a_silence_and_tells_the_engine(
    client: Client, open_incident: Open, press: str, back: str
) -> None:
    opened = await open_incident(1)
    await silence(client, opened)
    path = press.format(opened)
    assert f'action="{path}"' in await page(client) + await page(client, f"/incidents/{opened}")
    async with client.post(path, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, back.format(opened))
    assert await listed(client) == []
    stored = await client.app[JOURNAL].get(client.app[JOURNAL].last_seq)
    assert stored is not None
    lifting = decode_inbound(stored.body)
    assert isinstance(lifting, Silence)
    assert (lifting.incident_id, lifting.by) == (opened, "operator")
    assert lifting.until == lifting.time
    async with client.post(path) as response:
        assert response.status == 404


async def test_a_program_lifts_a_silence_of_an_incident_that_is_no_longer_kept(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    await silence(client, opened)
    async with client.app[DATABASE].write() as tx:
        await incidents.end(tx, IncidentEnded(opened, "silenced by Ada", NOW))
        assert await incidents.remove_old(tx, 2**62, 2**62, 10) == 1
    assert [each["title"] for each in await listed(client)] == ["ValueError: price 1 is negative"]
    async with client.delete(f"/api/silences/{opened}") as response:
        assert response.status == 202
    assert await listed(client) == []
    async with client.delete(f"/api/silences/{opened}") as response:
        assert response.status == 404
        assert (await response.json())["error"] == f"Nothing of {opened} is silenced."
