"""The page of integrations: what to copy, what is set, what came last, and a button to try it."""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pytest_aiohttp import AiohttpClient

from server.keys import DATABASE, JOURNAL
from server.storage.main import deploys, outbox, webhooks
from server.storage.main.outbox import NewDelivery
from server.storage.main.webhooks import SourceNews
from server.storage.times import to_micros
from shared.pipe import EventEntry
from tests.builders import at, change_window, event_entry
from tests.processes import running_server
from tests.server.web.conftest import Box, Client, build
from tests.signed_in import AS_OPERATOR

SECRETS = {
    "SENTRY_WEBHOOK_SECRET": "old-of-sentry,new-of-sentry",
    "GITHUB_WEBHOOK_SECRET": "s3cret-of-github",
    "GITHUB_TOKEN": "github_pat_secret",
    "SLACK_BOT_TOKEN": "xoxb-secret",
    "SLACK_CHANNEL": "#incidents",
}
Start = Callable[..., Awaitable[Client]]


@pytest.fixture
async def start(tmp_path: Path, aiohttp_client: AiohttpClient) -> Start:
    """Starts a server with these settings, and with Slack as a list."""

    async def with_settings(**env: str) -> Client:
        return await aiohttp_client(build(tmp_path, [Box("slack")], env), headers=AS_OPERATOR)

    return with_settings


async def page(client: Client, query: str = "") -> str:
    async with client.get(f"/integrations?{query}") as response:
        assert response.status == 200
        return await response.text()


async def ask(client: Client) -> dict[str, Any]:
    async with client.get("/api/integrations") as response:
        assert response.status == 200
        return dict(await response.json())


async def came(client: Client, **changes: Any) -> None:
    fields: dict[str, Any] = {
        "source": "sentry",
        "at": at(0),
        "outcome": "accepted",
        "signature": "verified",
        "about": "event alert",
        "accepted_at": at(0),
    }
    async with client.app[DATABASE].write() as tx:
        await webhooks.tell_of_sources(tx, [SourceNews(**(fields | changes))])


async def append(client: Client, **changes: Any) -> None:
    entry: EventEntry = event_entry(None, received=None, **changes)
    await client.app[JOURNAL].append([entry], None)


def states(answer: dict[str, Any]) -> list[str]:
    return [step["state"] for step in answer["sentry"]["steps"]]


async def test_the_addresses_are_those_of_this_installation(start: Start) -> None:
    client = await start(PUBLIC_URL="https://pushlog.example.com/")
    shown = await page(client)
    for source in ("sentry", "github"):
        assert f'value="https://pushlog.example.com/api/webhooks/{source}"' in shown
    assert "Local only:" not in shown


async def test_an_address_that_only_this_machine_reaches_is_told(client: Client) -> None:
    assert "Local only:" in await page(client)
    assert (await ask(client))["only_here"] is True


async def test_it_is_said_that_secrets_are_set_and_never_which(start: Start) -> None:
    client = await start(**SECRETS)
    answer = await ask(client)
    assert (answer["sentry"]["secrets"], answer["github"]["secrets"]) == (2, 1)
    for text in (await page(client), json.dumps(answer)):
        for secret in ("of-sentry", "of-github", "pat_secret", "xoxb"):
            assert secret not in text


async def test_a_secret_that_is_missing_is_told_with_its_name(client: Client) -> None:
    shown = await page(client)
    assert shown.count("not set</strong>") == 2
    assert "SENTRY_WEBHOOK_SECRET" in shown
    assert states(await ask(client))[1] == "open"


async def test_the_last_webhook_tells_whether_its_signature_held(start: Start) -> None:
    client = await start(**SECRETS)
    assert "none yet" in await page(client)
    assert states(await ask(client))[:2] == ["open", "done"]
    await came(client)
    assert "its signature was valid" in await page(client)
    assert states(await ask(client))[:2] == ["done", "done"]
    wrong = {"outcome": "refused", "signature": "wrong", "accepted_at": None, "at": at(60)}
    await came(client, **wrong, about="signature wrong: it must be")
    answer = await ask(client)
    assert answer["sentry"]["last"]["signature"] == "its signature was wrong"
    assert answer["sentry"]["accepted_at"] == "2025-03-04T09:00:00Z"
    assert states(answer)[:2] == ["done", "wrong"]
    assert "compare the Client Secret" in await page(client)


async def test_each_step_is_done_once_its_sign_was_seen(client: Client) -> None:
    assert states(await ask(client))[2:] == ["open", "open", "open"]
    await append(client, alert_rule="New issues", unique=True)
    assert states(await ask(client))[2:] == ["done", "done", "open"]
    await append(client, release="shop@1")
    answer = await ask(client)
    assert states(answer)[2:] == ["done", "done", "done"]
    assert answer["sentry"]["errors_seen_at"] is not None
    assert "(on)" in await page(client)


async def test_without_the_webhook_error_the_page_says_how_to_have_it(client: Client) -> None:
    await append(client, alert_rule="New issues")
    await append(client, source="datadog", release="shop@1")
    answer = await ask(client)
    assert answer["sentry"]["errors_seen_at"] is None
    assert states(answer)[4] == "open"
    assert "tick <strong>error</strong>" in await page(client)


async def test_the_maps_of_repositories_and_branches_are_shown(start: Start) -> None:
    client = await start(
        GITHUB_SERVICES="acme/mono:apps/web=web-shop", GITHUB_BRANCHES="release/*=staging"
    )
    github = (await ask(client))["github"]
    assert github["services"] == [
        {"repository": "acme/mono", "folder": "apps/web/", "service": "web-shop"}
    ]
    assert github["branches"] == [{"branch": "release/*", "environment": "staging"}]
    shown = await page(client)
    assert "web-shop" in shown
    assert "release/*" in shown


async def test_the_last_deploy_from_github_is_shown(client: Client) -> None:
    async with client.app[DATABASE].write() as tx:
        await deploys.store(tx, "shop", "production", change_window(repository="acme/shop"))
        await deploys.store(tx, "api", "production", change_window(60, deploy_id="b"))
    assert (await ask(client))["github"]["last_deploy"]["service"] == "shop"
    assert "from acme/shop" in await page(client)


async def test_slack_tells_its_way_and_what_went_wrong_last(start: Start) -> None:
    client = await start(**SECRETS)
    told = NewDelivery(
        key="inc-1/opened", channel="slack", receiver="#incidents", incident_id=None, news=b"{}"
    )
    async with client.app[DATABASE].write() as tx:
        await outbox.add(tx, [told], to_micros(at(0)))
        (delivery,) = await outbox.newest(tx, outbox.DeliveryFilter(), 1)
        await outbox.mark_failed(tx, [delivery.id], "channel_not_found")
    slack = (await ask(client))["slack"]
    assert (slack["way"], slack["channel"]) == ("bot", "#incidents")
    assert (slack["last"]["state"], slack["last"]["error"]) == ("failed", "channel_not_found")
    shown = await page(client)
    assert "channel_not_found" in shown
    assert 'action="/settings/channels/slack/test"' in shown
    assert "off: set <code>SLACK_SIGNING_SECRET</code> or <code>SLACK_APP_TOKEN</code>" in shown


@pytest.mark.parametrize(
    ("name", "value", "way", "said"),
    [
        (
            "SLACK_SIGNING_SECRET",
            "s3cret",
            "request",
            "the Request URL at Slack is <code>https://pushlog.example/api/slack/interactions</code>",
        ),
        ("SLACK_APP_TOKEN", "xapp-s3cret", "socket", "on, by Socket Mode"),
    ],
)
async def test_slack_tells_its_channels_and_how_buttons_are_heard(
    start: Start, name: str, value: str, way: str, said: str
) -> None:
    env = {"SLACK_DEPLOYS_CHANNEL": "#deploys", "PUBLIC_URL": "https://pushlog.example"}
    client = await start(**SECRETS, **env, **{name: value})
    slack = (await ask(client))["slack"]
    assert (slack["channels"], slack["buttons"]) == (["#incidents", "#deploys"], way)
    shown = await page(client)
    assert "the channels #incidents, #deploys" in shown
    assert said in shown
    assert value not in shown


async def test_simulations_are_off_unless_they_are_switched_on(client: Client) -> None:
    shown = await page(client)
    assert "/integrations/simulate" not in shown
    assert "ENABLE_TEST_ROUTES=true" in shown
    async with client.post("/integrations/simulate") as response:
        assert response.status == 404


async def test_a_simulation_says_nothing_of_how_sentry_is_set_up(start: Start) -> None:
    client = await start(ENABLE_TEST_ROUTES="true")
    async with client.post("/integrations/simulate") as response:
        assert response.status == 200
        assert "Sent as entry 1" in await response.text()
    answer = await ask(client)
    assert answer["sentry"]["last"] is None
    assert states(answer) == ["open"] * 5


async def test_each_press_opens_an_incident_of_its_own_and_rings_the_bell(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with running_server(tmp_path, env={"ENABLE_TEST_ROUTES": "true"}) as server:
        addresses = []
        for _ in range(3):
            async with http.post(f"{server.url}/integrations/simulate") as response:
                addresses.append(response.url)
        opened = await server.log.wait_for_count(r"\[incident-engine\] incident inc-", 3)
        assert len({re.findall(r"inc-\w+", line)[0] for line in opened}) == 3
        async with http.get(f"{server.url}/api/notifications") as response:
            assert (await response.json())["unread"] == 3
        async with http.get(addresses[-1]) as response:
            assert "It opened an incident" in await response.text()


async def test_every_field_has_a_label(client: Client) -> None:
    shown = await page(client)
    fields = re.findall(r"<input[^>]* ?id=\"([^\"]+)\"", shown)
    assert sorted(fields) == sorted(re.findall(r"<label for=\"([^\"]+)\"", shown))
    assert len(fields) == 2


async def test_what_a_sender_wrote_is_text_and_never_markup(client: Client) -> None:
    await came(client, about="<script>alert(1)</script>")
    shown = await page(client)
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert" in shown


async def test_webhooks_and_apprise_tell_whom_they_reach_by_names_without_secrets(
    start: Start,
) -> None:
    client = await start(
        WEBHOOK_URLS="https://hooks.example/s3cret",
        WEBHOOK_SECRET="whsec_" + "c2VjcmV0" * 6,
        APPRISE_URLS="ntfy://ntfy.example/s3cret",
    )
    found = await ask(client)
    (hook,), (target,) = found["webhooks"]["receivers"], found["apprise"]["receivers"]
    assert hook.startswith("hooks.example#")
    shown = await page(client)
    assert hook in shown
    assert target in shown
    assert "s3cret" not in shown
    assert (found["webhooks"]["last"], found["apprise"]["last"]) == (None, None)


async def test_a_way_that_is_not_set_up_says_how(start: Start) -> None:
    client = await start()
    assert (await ask(client))["apprise"] == {"receivers": [], "last": None}
    shown = await page(client)
    assert "not set up: set <code>APPRISE_URLS</code>" in shown
    assert "not set up: set <code>WEBHOOK_URLS and WEBHOOK_SECRET</code>" in shown
