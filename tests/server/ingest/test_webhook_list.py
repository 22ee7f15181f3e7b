"""Each webhook that came to a real server is in the list, with what became of it and why."""

import hashlib
import hmac
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from server.ingest.simulate import simulated_payload
from tests.builders import START, event
from tests.processes import ServerProcess, running_server

SECRET = "s3cret-of-sentry"
DELIVERY = "5f0c1d2e4b5a69785f0c1d2e4b5a6978"


@pytest.fixture
async def signed(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    env = {"SENTRY_WEBHOOK_SECRET": SECRET, "ENABLE_TEST_ROUTES": "true"}
    async with running_server(tmp_path, env=env) as process:
        yield process


async def send(
    http: aiohttp.ClientSession, server: ServerProcess, body: bytes, signature: str | None = None
) -> int:
    headers = {"Sentry-Hook-Resource": "event_alert", "Request-ID": DELIVERY}
    headers["Sentry-Hook-Signature"] = (
        hmac.digest(SECRET.encode(), body, hashlib.sha256).hex() if signature is None else signature
    )
    url = f"{server.url}/api/webhooks/sentry"
    async with http.post(url, data=body, headers=headers) as response:
        return response.status


Found = list[dict[str, Any]]


def files_with(folder: Path, pattern: str) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob(pattern)))


async def listed(
    http: aiohttp.ClientSession,
    server: ServerProcess,
    enough: Callable[[Found], bool],
    query: str = "",
) -> Found:
    """The list, asked for until it says enough: it is written, and events decided, behind it."""
    while True:
        async with http.get(f"{server.url}/api/webhooks?{query}") as response:
            found: Found = (await response.json())["webhooks"]
        if enough(found):
            return found


async def test_each_webhook_is_listed_with_its_outcome_and_why(
    http: aiohttp.ClientSession, signed: ServerProcess
) -> None:
    body = simulated_payload(START, "one")
    comment = {"action": "created", "data": {"comment": "x", "project_slug": "p", "comment_id": 1}}
    assert await send(http, signed, body) == 202
    assert await send(http, signed, body) == 202
    assert await send(http, signed, json.dumps(comment).encode()) == 202
    assert await send(http, signed, b'{"data":{"event":{}}}') == 400
    assert await send(http, signed, body, "0" * 64) == 401
    assert await send(http, signed, body, "") == 401
    found = await listed(http, signed, lambda rows: len(rows) == 6 and bool(rows[-1]["decision"]))
    missing, wrong, invalid, no_event, duplicate, accepted = found
    assert [each["outcome"] for each in found] == [
        "refused", "refused", "invalid", "no_event", "duplicate", "accepted",
    ]  # fmt: skip
    assert accepted["about"] == "SimulatedIncident in simulated-shop/production"
    assert accepted["decision"] == "opened"
    assert "never been seen before" in accepted["reason"]
    assert accepted["incident_url"].endswith(f"/incidents/{accepted['incident_id']}")
    assert duplicate["incident_id"] == accepted["incident_id"]
    assert duplicate["event_id"] == accepted["event_id"]
    assert f"as entry {accepted['seq']}" in duplicate["reason"]
    assert "no event" in no_event["reason"]
    assert "data.event" in invalid["reason"]
    assert wrong["reason"].startswith("Signature wrong")
    assert missing["reason"].startswith("Signature missing")
    assert {each["delivery_id"] for each in found} == {DELIVERY, None}
    assert missing["size_bytes"] == len(body)
    async with http.get(f"{signed.url}/api/integrations") as response:
        sentry = (await response.json())["sentry"]
    assert sentry["last"]["outcome"] == "refused"
    assert sentry["last"]["signature"] == "it had no signature"
    assert sentry["accepted_at"] is not None
    async with http.get(f"{signed.url}/metrics") as response:
        counted = (await response.text()).splitlines()
    for outcome, webhooks in Counter(each["outcome"] for each in found).items():
        count = f'pushlog_webhooks_total{{outcome="{outcome}",source="sentry"}} {webhooks:.1f}'
        assert count in counted


async def test_of_what_was_refused_neither_body_nor_signature_is_kept(
    http: aiohttp.ClientSession, signed: ServerProcess, tmp_path: Path
) -> None:
    body = simulated_payload(START, "one").replace(b"simulated-shop", b"password=hunter2")
    assert await send(http, signed, body, "feed" * 16) == 401
    await listed(http, signed, bool)
    await signed.interrupt()
    stored = files_with(tmp_path, "*.db*")
    assert b"unentered_webhooks" in stored
    for secret in (b"hunter2", b"feedfeed", SECRET.encode()):
        assert secret not in stored


async def test_a_webhook_is_answered_while_the_list_cannot_be_written(
    http: aiohttp.ClientSession, signed: ServerProcess, tmp_path: Path
) -> None:
    holder = sqlite3.connect(tmp_path / "pushlog.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert await send(http, signed, simulated_payload(START, "one"), "0" * 64) == 401
        assert await send(http, signed, simulated_payload(START, "one")) == 202
        async with http.get(f"{signed.url}/api/webhooks") as response:
            found = (await response.json())["webhooks"]
        assert [each["outcome"] for each in found] == ["accepted"]
        assert "waits for the engine" in found[0]["reason"]
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    found = await listed(http, signed, lambda rows: len(rows) == 2)
    assert {each["outcome"] for each in found} == {"accepted", "refused"}


async def test_a_flood_of_refusals_is_listed_as_a_sample_and_a_count(
    http: aiohttp.ClientSession, signed: ServerProcess
) -> None:
    for _ in range(100):
        await send(http, signed, b"{}", "0" * 64)

    def all_counted(rows: Found) -> bool:
        return sum(1 + int(each["more_like_it"]) for each in rows) == 100

    found = await listed(http, signed, all_counted, "limit=200")
    assert len(found) < 100


async def test_what_was_noted_last_is_there_after_a_stop(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with running_server(tmp_path) as server:
        await send(http, server, b"no json")
        await server.interrupt()
    async with running_server(tmp_path) as server:
        (found,) = await listed(http, server, bool)
    assert found["outcome"] == "invalid"


async def test_a_full_queue_is_listed_as_that(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    env = {"INCIDENT_ENGINE_BIN": str(tmp_path / "missing"), "INCIDENT_QUEUE_MAX": "1"}
    async with running_server(tmp_path, env=env) as server:
        await server.log.wait_for(r"\[incident-engine\] ended: its command was not found")
        # The settings are an entry too, and fill the queue.
        body = msgspec.json.encode(event())
        async with http.post(f"{server.url}/api/webhooks/incidents", data=body) as response:
            assert response.status == 503
        (found,) = await listed(http, server, bool)
    assert (found["source"], found["outcome"]) == ("incidents", "queue_full")
    assert "INCIDENT_QUEUE_MAX" in found["reason"]


async def test_a_deploy_that_opens_no_incident_is_listed_too(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    deployment = {
        "deployment": {"sha": "a" * 40, "environment": "production"},
        "deployment_status": {"state": "success"},
        "repository": {"id": 7, "full_name": "acme/shop", "default_branch": "main"},
    }
    own = {"service": "web", "environment": "eu", "change_window": {"deploy_time": f"{START}"}}
    async with running_server(tmp_path, env={"DISABLE_DEPLOY_INCIDENTS": "true"}) as server:
        for source, body, event in (
            ("github", deployment, "deployment_status"),
            ("incidents", own, ""),
        ):
            url = f"{server.url}/api/webhooks/{source}"
            async with http.post(url, json=body, headers={"X-GitHub-Event": event}) as response:
                assert response.status == 202
        found = await listed(http, server, lambda rows: len(rows) == 2)
    assert [(each["source"], each["sender"], each["about"]) for each in found] == [
        ("incidents", "deploy", "Deploy of web to eu"),
        ("github", "github", "Deploy of shop to production"),
    ]
