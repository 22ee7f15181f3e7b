"""From Sentry's "resolved in a release" to Slack: a real server and a real engine."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from tests.fakes.slack import FakeSlack
from tests.processes import ServerProcess, running_server
from tests.server.ingest.sentry_payloads import shape

RESOURCE = {"Sentry-Hook-Resource": "issue"}


async def post(
    http: aiohttp.ClientSession,
    server: ServerProcess,
    source: str,
    body: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> None:
    url = f"{server.url}/api/webhooks/{source}"
    sent = {"Content-Type": "application/json", **(headers or {})}
    async with http.post(url, data=json.dumps(body).encode(), headers=sent) as response:
        assert response.status == 202, await response.text()


async def test_the_deploy_of_a_release_in_which_sentry_says_that_an_issue_is_fixed_is_told_once(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    resolved = json.loads(shape("issue-resolved-in-release"))
    issue = resolved["data"]["issue"]
    place = {"service": "checkout", "environment": "production"}
    error = {
        **place,
        "source": "curl",
        "timestamp": datetime.now(UTC).isoformat(),
        "severity": "error",
        "exception_type": "PaymentFailed",
        "message": "order 90412 could not be paid",
        "issue_id": issue["id"],
        "release": "checkout@3.8.1",
    }
    async with FakeSlack() as slack:
        env = {
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.token,
            "SLACK_CHANNEL": "#alerts",
            "DISABLE_DEPLOY_INCIDENTS": "true",
        }
        async with running_server(tmp_path, env=env) as server:
            await post(http, server, "incidents", error)
            (opened,) = await slack.wait_for(1)
            await post(http, server, "sentry", resolved, RESOURCE)
            # What the thread says of the end.
            await slack.wait_for(2)
            for deploy_id in ("first", "again"):
                window = {
                    "deploy_time": datetime.now(UTC).isoformat(),
                    "deploy_id": deploy_id,
                    "release": issue["statusDetails"]["inRelease"],
                    "commits": [],
                }
                await post(http, server, "incidents", place | {"change_window": window})
            await slack.wait_for(3)
            (_, reply) = slack.replies(opened["ts"])
            assert reply["text"].startswith(
                "*The fix is live*: release checkout@3.8.2 was deployed at "
            )
            url = f"{server.url}/api/incidents"
            async with http.get(url) as response:
                (incident,) = (await response.json())["incidents"]
            async with http.get(f"{url}/{incident['incident_id']}") as response:
                found = await response.json()
            assert [each["change"] for each in found["changes"]] == ["opened", "ended", "fix_live"]
            assert await server.interrupt() == 0
        assert len(slack.messages) == 3
