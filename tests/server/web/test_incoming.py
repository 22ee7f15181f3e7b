"""The page and the API of what came in: everything once, in order, found by source and by id."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.keys import DATABASE, JOURNAL
from server.storage.indexing import STRETCH, Indexing
from server.storage.main import checkpoints, decisions, webhooks
from server.storage.main.webhooks import UnenteredWebhook
from server.web.api import webhook_list
from server.web.api.webhook_list import MAX_LOOKED_AT
from shared.decisions import Code
from shared.pipe import Decision, Entry, Settings
from tests.builders import (
    change_window_entry,
    deploy_entry,
    event_entry,
    resolve,
    silence,
)
from tests.server.web.conftest import Client, incident_id


def error(**changes: Any) -> Entry:
    return event_entry(None, received=None, **changes)


async def ask(client: Client, query: str = "") -> dict[str, Any]:
    async with client.get(f"/api/webhooks?{query}") as response:
        assert response.status == 200, await response.text()
        return dict(await response.json())


async def page(client: Client, query: str = "") -> str:
    async with client.get(f"/deliveries/incoming?{query}") as response:
        assert response.status == 200
        return await response.text()


async def append(client: Client, *entries: Entry) -> tuple[int, ...]:
    return (await client.app[JOURNAL].append(entries, None)).seqs


async def note(client: Client, **changes: Any) -> None:
    fields: dict[str, Any] = {
        "at": datetime.now(UTC),
        "source": "sentry",
        "outcome": "refused",
        "reason": "signature missing",
    }
    async with client.app[DATABASE].write() as tx:
        await webhooks.add(tx, [UnenteredWebhook(**(fields | changes))])


async def test_paging_shows_every_webhook_once_the_newest_first(client: Client) -> None:
    for number in range(12):
        await append(client, *[error(message=str(number))] * (number % 3))
        await note(client, reason=f"reason {number}")
    seen: list[dict[str, Any]] = []
    answer = await ask(client, "limit=5")
    seen += answer["webhooks"]
    while answer["next"]:
        answer = await ask(client, f"limit=5&before={answer['next']}")
        assert len(answer["webhooks"]) <= 5
        seen += answer["webhooks"]
    assert len(seen) == 24
    assert len({(each["seq"], each["reason"]) for each in seen}) == 24
    times = [each["received"] for each in seen]
    assert times == sorted(times, reverse=True)


async def test_an_accepted_webhook_shows_its_decision_in_words_and_its_incident(
    client: Client,
) -> None:
    first, second, third = await append(client, error(), error(), error())
    made = [
        Decision(first, Code.OPENED, incident_id(1), {"trigger": "new_issue", "environment": "eu"}),
        Decision(second, Code.NOT_PRODUCTION),
    ]
    async with client.app[DATABASE].write() as tx:
        await decisions.store(tx, made)
        await checkpoints.set_recorded(tx, second)
    waits, known, opened = (await ask(client))["webhooks"]
    assert opened["reason"].endswith("This error has never been seen before in eu.")
    assert opened["incident_id"] == incident_id(1)
    assert (known["decision"], known["incident_url"]) == ("not_production", None)
    assert (waits["seq"], waits["decision"]) == (third, None)
    assert "waits for the engine" in waits["reason"]
    shown = await page(client)
    assert f'href="/incidents/{incident_id(1)}"' in shown
    assert "ValueError in shop/production" in shown


async def test_only_what_a_webhook_made_is_listed(client: Client) -> None:
    await append(
        client,
        Settings(production_environments=["production"]),
        resolve(None, received=None, incident_id=incident_id(1)),
        silence(None, received=None, issue="f1"),
        change_window_entry(None, received=None),
    )
    assert (await ask(client))["webhooks"] == []
    await append(
        client,
        resolve(None, received=None, issue_id="4711", release="shop@2"),
        silence(None, received=None, issue_id="4711"),
        change_window_entry(None, received=None, source="github"),
        deploy_entry(None, received=None),
    )
    found = (await ask(client))["webhooks"]
    assert [(each["source"], each["about"]) for each in found] == [
        ("github", "Deploy of shop to production: Push of 1 commit to main"),
        ("github", "Deploy of shop to production"),
        ("sentry", "Issue 4711 silenced by ada"),
        ("sentry", "Issue 4711 resolved in shop@2 by ada"),
    ]


async def test_source_and_outcome_narrow_the_list(client: Client) -> None:
    await append(client, error(), error(source="datadog"), deploy_entry(None, received=None))
    await note(client, source="github", outcome="no_event", reason="Ping: the webhook is set up")
    await note(client, outcome="duplicate", reason="event alert", first_seq=1)

    async def found(query: str) -> list[tuple[str, str]]:
        return [
            (each["source"], each["outcome"]) for each in (await ask(client, query))["webhooks"]
        ]

    assert await found("source=github") == [("github", "no_event"), ("github", "accepted")]
    assert await found("source=incidents") == [("incidents", "accepted")]
    assert await found("outcome=duplicate") == [("sentry", "duplicate")]
    assert await found("outcome=not_accepted&source=github") == [("github", "no_event")]
    assert await found("outcome=accepted&source=sentry") == [("sentry", "accepted")]
    shown = await page(client, "source=incidents")
    assert "Datadog" in shown
    assert '<option value="incidents" selected>' in shown


async def test_a_webhook_is_found_by_the_ids_that_its_sender_knows(client: Client) -> None:
    dashed = "0b989ba4-242f-11e5-81e1-c7b6966d2516"
    plain = dashed.replace("-", "")
    await append(client, error(event_id=plain, issue_id="4711"), error(event_id="b" * 32))
    await append(client, error(event_id="C" * 8 + "-cccc-cccc-cccc-" + "c" * 12))
    await client.app[JOURNAL].append([deploy_entry(None, received=None)], "github 7c9e-delivery")
    await note(client, delivery_id=dashed)
    await note(client, outcome="duplicate", event_id=plain, first_seq=1)

    async def outcomes(name: str) -> list[str]:
        return [each["outcome"] for each in (await ask(client, f"id={name}"))["webhooks"]]

    assert await outcomes(plain) == ["duplicate", "accepted"]
    assert await outcomes(dashed) == ["duplicate", "refused", "accepted"]
    assert await outcomes("4711") == ["accepted"]
    assert await outcomes("a1b2c3d4") == ["accepted"]
    assert await outcomes("7c9e-delivery") == ["accepted"]
    assert await outcomes("c" * 32) == ["accepted"]
    assert await outcomes("C" * 8 + "-cccc-cccc-cccc-" + "c" * 12) == ["accepted"]
    assert await outcomes("471") == []
    assert "No matching webhooks" in await page(client, "id=471")


async def test_a_rare_source_is_looked_for_within_bounds_and_the_page_says_how_far(
    client: Client,
) -> None:
    await append(client, error(source="datadog"))
    for _ in range(3):
        await append(client, *[error()] * (MAX_LOOKED_AT // 2))
    answer = await ask(client, "source=incidents")
    assert answer["webhooks"] == []
    assert answer["looked_back_to"] is not None
    shown = await page(client, "source=incidents")
    assert "there may be older ones" in shown
    found: list[dict[str, Any]] = []
    while answer["next"]:
        answer = await ask(client, f"source=incidents&before={answer['next']}")
        found += answer["webhooks"]
    assert [each["sender"] for each in found] == ["datadog"]
    assert answer["looked_back_to"] is None


async def test_what_is_not_indexed_yet_is_searched_within_bounds(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_list, "MAX_SEARCHED", 200)
    await append(client, error(event_id="old"))
    await append(client, *[error(stacktrace=[])] * 300)
    answer = await ask(client, "id=old")
    assert answer["webhooks"] == []
    assert answer["looked_back_to"] is not None
    answer = await ask(client, f"id=old&before={answer['next']}")
    assert [each["event_id"] for each in answer["webhooks"]] == ["old"]


async def test_an_old_id_is_found_by_reading_little_more_than_where_it_is(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_list, "MAX_SEARCHED", STRETCH + 1)
    await append(client, error(event_id="old"))
    for _ in range(5):
        await append(client, *[error(stacktrace=[])] * (STRETCH - 1), error(issue_id="4711"))
    await Indexing(client.app[JOURNAL], client.app[DATABASE]).catch_up()
    answer = await ask(client, "id=old")
    assert [each["event_id"] for each in answer["webhooks"]] == ["old"]
    assert (await ask(client, "id=never"))["next"] is None

    found: list[int] = []
    answer = await ask(client, "id=4711&limit=2")
    found += [each["seq"] for each in answer["webhooks"]]
    while answer["next"]:
        answer = await ask(client, f"id=4711&limit=2&before={answer['next']}")
        found += [each["seq"] for each in answer["webhooks"]]
    assert found == [5 * STRETCH + 1 - before * STRETCH for before in range(5)]


async def test_what_is_older_than_the_stretch_waits_for_its_page(client: Client) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1)
    await append(client, *[error()] * (MAX_LOOKED_AT + 100))
    await note(client, source="github", at=long_ago)
    answer = await ask(client, "source=github")
    assert (answer["webhooks"], bool(answer["next"])) == ([], True)
    answer = await ask(client, f"source=github&before={answer['next']}")
    assert len(answer["webhooks"]) == 1
    assert answer["next"] is None


async def test_a_question_that_makes_no_sense_is_refused_with_the_rule(client: Client) -> None:
    for query in ("source=nobody", "outcome=odd", "before=x", f"id={'x' * 300}", "limit=-1"):
        async with client.get(f"/api/webhooks?{query}") as response:
            assert response.status == 400
            assert (await response.json())["error"]


async def test_what_a_sender_wrote_is_text_and_never_markup(client: Client) -> None:
    markup = "<script>alert(1)</script>"
    await append(client, error(service=markup, event_id=markup, source=markup))
    await note(client, reason=markup, delivery_id=markup)
    shown = await page(client, "id=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "&lt;script&gt;alert" in shown
    assert markup not in shown


async def test_the_two_pages_of_deliveries_lead_to_each_other(client: Client) -> None:
    assert 'href="/deliveries"' in await page(client)
    async with client.get("/deliveries") as response:
        assert 'href="/deliveries/incoming"' in await response.text()


async def test_every_field_has_a_label(client: Client) -> None:
    shown = await page(client)
    fields = re.findall(r"<(?:input|select)[^>]* id=\"([^\"]+)\"", shown)
    assert sorted(fields) == sorted(re.findall(r"<label for=\"([^\"]+)\"", shown))
    assert len(fields) == 3
