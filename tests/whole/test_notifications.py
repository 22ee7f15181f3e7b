"""The whole way to Slack: a real server, a real engine, and a Slack that keeps its own rules."""

import contextlib
import hashlib
import hmac
import json
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.slack import FakeSlack, text_of, too_many
from tests.processes import ServerProcess, running_server


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


def as_bot(slack: FakeSlack, **changes: str) -> dict[str, str]:
    return {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.token,
        "SLACK_CHANNEL": "#alerts",
        **changes,
    }


async def fail(
    http: aiohttp.ClientSession,
    server: ServerProcess,
    service: str,
    exception_type: str = "OutOfStock",
) -> None:
    """An error in production of a service of its own: an incident."""
    body = {
        "source": "curl",
        "service": service,
        "environment": "production",
        "timestamp": datetime.now(UTC).isoformat(),
        "severity": "error",
        "exception_type": exception_type,
        "message": f"no more teapots in <{service}> & nowhere",
    }
    async with http.post(f"{server.url}/api/webhooks/incidents", json=body) as response:
        assert response.status == 202, await response.text()


async def push(
    http: aiohttp.ClientSession,
    server: ServerProcess,
    secret: str,
    digit: str = "2",
    message: str = "Round prices half up",
) -> None:
    """Push a commit whose hash is this digit, 40 times."""
    payload = {
        "ref": "refs/heads/main",
        "before": "1" * 40,
        "after": digit * 40,
        "compare": "https://github.com/acme/shop/compare/1...2",
        "commits": [
            {
                "id": digit * 40,
                "message": message,
                "timestamp": "2025-03-04T09:00:00+01:00",
                "url": f"https://github.com/acme/shop/commit/{digit * 40}",
                "author": {"name": "Ada"},
                "modified": ["shop/cart.py"],
            }
        ],
        "repository": {"id": 7, "full_name": "acme/shop", "default_branch": "main"},
        "pusher": {"name": "ada"},
    }
    payload["head_commit"] = payload["commits"][0]  # type: ignore[index]
    body = json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": f"d-{digit}",
        "X-Hub-Signature-256": f"sha256={signature}",
        "Content-Type": "application/json",
    }
    url = f"{server.url}/api/webhooks/github"
    async with http.post(url, data=body, headers=headers) as response:
        assert response.status == 202, await response.text()


async def ask(http: aiohttp.ClientSession, server: ServerProcess, path: str) -> dict[str, Any]:
    async with http.get(server.url + path) as response:
        assert response.status == 200, await response.text()
        return dict(await response.json())


async def test_an_incident_is_one_message_that_says_when_it_is_resolved(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    async with running_server(tmp_path, env=as_bot(slack)) as server:
        await fail(http, server, "shop")
        (message,) = await slack.wait_for(1)
        assert "no more teapots in &lt;shop&gt; &amp; nowhere" in text_of(message)
        (incident,) = (await ask(http, server, "/api/incidents"))["incidents"]
        url = f"{server.url}/api/incidents/{incident['incident_id']}/resolve"
        async with http.post(url) as response:
            assert response.status == 202
        await slack.wait_for(2)
        (root,) = slack.roots()
        assert "ended: resolved by operator" in text_of(root)
        found = await ask(http, server, f"/api/incidents/{incident['incident_id']}")
        assert [each["change"] for each in found["changes"]] == ["opened", "resolved", "ended"]
        assert await server.interrupt() == 0
    assert len(slack.messages) == 2


async def test_what_an_incident_grew_by_is_shown_in_its_message_by_the_next_start(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    async with running_server(tmp_path, env=as_bot(slack)) as server:
        await fail(http, server, "shop")
        (message,) = await slack.wait_for(1)
        assert "1, last seen" in text_of(message)
        await fail(http, server, "shop", "TeapotBroken")
        # People are told of a later journal entry, so this one is counted.
        await fail(http, server, "other")
        await slack.wait_for(2)
        assert await server.interrupt() == 0
    # As if a minute had passed, before which no message is edited again.
    with contextlib.closing(sqlite3.connect(tmp_path / "pushlog.db")) as database, database:
        database.execute("UPDATE slack_messages SET edited_at = 0")
    async with running_server(tmp_path, env=as_bot(slack)) as server:
        await slack.wait_until_shown("2, last seen")
        assert await server.interrupt() == 0
    assert slack.calls == ["chat.postMessage", "chat.postMessage", "chat.update"]
    assert "2, last seen" in text_of(slack.roots()[0])


async def test_new_errors_in_an_incident_are_told_in_the_thread_of_its_message(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    async with running_server(tmp_path, env=as_bot(slack)) as server:
        await fail(http, server, "shop")
        await slack.wait_for(1)
        await fail(http, server, "shop", "TeapotBroken")
        # People are told of a later journal entry, so it has joined.
        await fail(http, server, "other")
        await slack.wait_for(2)
        # As if a minute had passed, in which more could have joined.
        with contextlib.closing(sqlite3.connect(tmp_path / "pushlog.db")) as database, database:
            assert database.execute("UPDATE joined_issues SET at = 0").rowcount == 1
        await slack.wait_for(3)
        (root, _) = slack.roots()
        (reply,) = slack.replies(root["ts"])
        assert reply["text"].startswith("*New errors in it*\n• TeapotBroken: no more teapots")
        assert reply["reply_broadcast"] is False
        assert await server.interrupt() == 0


@pytest.mark.parametrize("disabled", ["true", "false"])
async def test_a_push_is_one_message_whether_deploys_are_incidents_or_not(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path, disabled: str
) -> None:
    env = as_bot(slack, GITHUB_WEBHOOK_SECRET="s3cret", DISABLE_DEPLOY_INCIDENTS=disabled)
    async with running_server(tmp_path, env=env) as server:
        await push(http, server, "s3cret")
        await slack.wait_for(1)
        # People are told of a later journal entry, so nothing more of the push is on its way.
        await fail(http, server, "other")
        messages = await slack.wait_for(2)
    assert len(messages) == 2
    told = text_of(messages[0])
    assert "Push of 1 commit to main by ada" in told
    assert "2222222222 Round prices half up (Ada)" in told
    assert "https://github.com/acme/shop/compare/1...2" in str(messages[0])


async def test_a_push_that_reverts_a_suspect_is_told_in_the_thread_of_its_incident(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    env = as_bot(slack, GITHUB_WEBHOOK_SECRET="s3cret", DISABLE_DEPLOY_INCIDENTS="true")
    async with running_server(tmp_path, env=env) as server:
        await push(http, server, "s3cret")
        await slack.wait_for(1)
        await fail(http, server, "shop")
        (_, opened) = await slack.wait_for(2)
        assert "2222222222 Round prices half up" in text_of(opened)
        message = f'Revert "Round prices half up"\n\nThis reverts commit {"2" * 40}.'
        await push(http, server, "s3cret", "3", message)
        # The message about the push, and the reply.
        await slack.wait_for(4)
        (reply,) = slack.replies(opened["ts"])
        assert reply["text"].startswith(
            "*Suspect reverted*: Deploy 3333333333 brings 3333333333 by Ada, which reverts the "
            "suspect commit 2222222222 “Round prices half up”."
        )
        assert reply["reply_broadcast"] is False
        (incident,) = (await ask(http, server, "/api/incidents"))["incidents"]
        found = await ask(http, server, f"/api/incidents/{incident['incident_id']}")
        assert [each["change"] for each in found["changes"]] == ["opened", "suspect_reverted"]
        assert await server.interrupt() == 0
    assert len(slack.messages) == 4


async def test_while_slack_is_down_nothing_is_lost_and_afterwards_nothing_comes_twice(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    slack.down = True
    async with running_server(tmp_path, env=as_bot(slack)) as server:
        for service in ("a", "b", "c"):
            await fail(http, server, service)
        await server.log.wait_for(r"slack inc-.* not delivered: Slack answered HTTP 503")
        await server.log.wait_for_count(r"\[incident-engine\] incident inc-", 3)
        counts = (await ask(http, server, "/api/deliveries"))["counts"]
        assert counts["waiting"] + counts["sending"] == 3
        slack.down = False
        slack.answers = [too_many(1)]
        await slack.wait_for(3)
        assert await server.interrupt() == 0
    assert len(slack.roots()) == len(slack.messages) == 3
    shown = str(slack.roots())
    assert all(f"&lt;{service}&gt;" in shown for service in ("a", "b", "c"))


async def test_a_server_that_was_killed_while_it_told_tells_it_after_its_start(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    slack.hang = True
    async with running_server(tmp_path, env=as_bot(slack)) as server:
        await fail(http, server, "shop")
        await slack.wait_for_calls(1)
        await server.kill()
    slack.hang = False
    async with running_server(tmp_path, env=as_bot(slack)) as server:
        await slack.wait_for(1)
        await server.interrupt()
    assert len(slack.messages) == 1


async def test_by_a_webhook_slack_is_told_as_well(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    async with running_server(tmp_path, env={"SLACK_WEBHOOK_URL": slack.webhook_url}) as server:
        await fail(http, server, "shop")
        (message,) = await slack.wait_for(1)
        assert "teapots" in text_of(message)
        url = f"{server.url}/api/channels/slack/test"
        async with http.post(url) as response:
            assert response.status == 200
        assert slack.url not in server.log.text()
    assert len(slack.messages) == 2


async def test_many_incidents_at_once_are_a_few_messages_and_the_rest_waits_for_a_digest(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    async with running_server(tmp_path, env=as_bot(slack)) as server:
        for number in range(49):
            await fail(http, server, f"service-{number}")
        await server.log.wait_for_count(r"\[incident-engine\] incident inc-", 49)
        await slack.wait_for(20)
        counts = (await ask(http, server, "/api/deliveries"))["counts"]
        assert sum(counts.values()) == 49
        assert len(slack.messages) == 20
        messages = await slack.wait_for(21)
        # Of 50 calls in a minute 30 are left: one for the digest, and one for each letter in it.
        assert "29 notifications" in messages[20]["text"]
        assert await server.interrupt() == 0
    shown = str(slack.roots())
    for number in range(49):
        assert f"service-{number}/" in shown or f"&lt;service-{number}&gt;" in shown
