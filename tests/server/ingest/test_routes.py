"""A real server's answers to senders: each refusal says what would be right."""

import gzip
import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.builders import event
from tests.processes import ServerProcess, running_server
from tests.signed_in import AS_OPERATOR

SECRET = "s3cret"


@pytest.fixture
async def signed_server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    secrets = {
        "SENTRY_WEBHOOK_SECRET": f"older,{SECRET}",
        "INCIDENT_WEBHOOK_SECRET": SECRET,
        "GITHUB_WEBHOOK_SECRET": SECRET,
    }
    async with running_server(tmp_path, env=secrets) as process:
        yield process


async def answer(
    http: aiohttp.ClientSession,
    server: ServerProcess,
    source: str,
    body: bytes | io.BytesIO,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    url = f"{server.url}/api/webhooks/{source}"
    async with http.post(url, data=body, headers=headers or {}) as response:
        return response.status, dict(await response.json())


def signature(body: bytes) -> str:
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def alert(**event: object) -> bytes:
    fields = {"event_id": "a" * 32, "title": "ValueError: no", "level": "error"} | event
    return json.dumps({"action": "triggered", "data": {"event": fields}}).encode()


async def test_a_body_without_an_event_gets_400_and_has_no_effect(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    status, said = await answer(http, server, "sentry", b'{"data":{"event":{}}}')
    assert status == 400
    assert said["error"]
    await server.log.wait_for("Sentry webhook error:")
    async with http.get(f"{server.url}/api/incidents", headers=AS_OPERATOR) as response:
        assert (await response.json())["incidents"] == []


async def test_a_body_that_is_no_json_gets_400(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    for source in ("sentry", "incidents", "github"):
        status, said = await answer(http, server, source, b'{"data":')
        assert (status, bool(said["error"])) == (400, True)
        await server.log.wait_for(rf"\[webhooks/{source}\] Request received$")


async def test_an_unsigned_or_wrongly_signed_webhook_gets_401_that_says_what_is_missing(
    http: aiohttp.ClientSession, signed_server: ServerProcess
) -> None:
    body = alert()
    for headers in ({}, {"Sentry-Hook-Signature": "0" * 64}):
        status, said = await answer(http, signed_server, "sentry", body, headers)
        assert status == 401
        assert "ignature" in said["error"]
    status, _ = await answer(http, signed_server, "incidents", b"{}")
    assert status == 401
    status, _ = await answer(http, signed_server, "github", b"{}")
    assert status == 401


async def test_a_signature_by_any_of_the_secrets_is_accepted(
    http: aiohttp.ClientSession, signed_server: ServerProcess
) -> None:
    body = alert()
    status, said = await answer(
        http, signed_server, "sentry", body, {"Sentry-Hook-Signature": signature(body)}
    )
    assert (status, said["duplicate"]) == (202, False)


async def test_what_breaks_a_rule_of_the_event_is_named_with_its_path(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    fields = msgspec.to_builtins(event()) | {"severity": "loud", "service": ""}
    status, said = await answer(http, server, "incidents", json.dumps(fields).encode())
    assert status == 400
    assert {detail["path"] for detail in said["details"]} == {"severity", "service"}
    assert all(detail["message"] for detail in said["details"])


async def test_an_event_in_our_own_form_is_accepted_once_for_an_idempotency_key(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    body = msgspec.json.encode(event())
    for duplicate in (False, True):
        status, said = await answer(http, server, "incidents", body, {"Idempotency-Key": "k1"})
        assert (status, said["duplicate"]) == (202, duplicate)


async def test_one_body_posted_by_hand_ten_times_is_ten_events(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    body = msgspec.json.encode(event())
    answers = [await answer(http, server, "incidents", body) for _ in range(10)]
    assert [said["duplicate"] for _, said in answers] == [False] * 10


async def test_a_body_over_the_limit_gets_413_also_when_it_was_packed_small(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    for source, most in (("sentry", 5), ("incidents", 5), ("github", 25)):
        # What is no JSON, but not too large either, gets 400.
        for more, status in ((0, 400), (1, 413)):
            body = io.BytesIO(b" " * (most * 1024 * 1024 + more))
            found, said = await answer(http, server, source, body)
            assert found == status, (source, more)
        assert f"at most {most} MiB" in said["error"]
    bomb = gzip.compress(b" " * (100 * 1024 * 1024))
    status, _ = await answer(http, server, "sentry", bomb, {"Content-Encoding": "gzip"})
    assert status == 413


async def test_a_resource_without_an_event_gets_202_and_no_effect(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    body = b'{"action":"created","data":{"comment":"x","project_slug":"p","comment_id":1}}'
    status, said = await answer(http, server, "sentry", body, {"Sentry-Hook-Resource": "comment"})
    assert (status, said["event"]) == (202, False)


async def test_an_unknown_route_of_the_api_is_told_as_json(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    async with http.get(f"{server.url}/api/nothing") as response:
        assert response.status == 404
        assert (await response.json())["error"]


async def test_beyond_the_queue_limit_nothing_is_accepted_and_retry_after_is_told(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    env = {"INCIDENT_ENGINE_BIN": str(tmp_path / "missing"), "INCIDENT_QUEUE_MAX": "2"}
    async with running_server(tmp_path, env=env) as server:
        body = msgspec.json.encode(event())
        await server.log.wait_for(r"\[incident-engine\] ended: its command was not found")
        # The settings are an entry too, so one event fills the queue.
        assert (await answer(http, server, "incidents", body))[0] == 202
        url = f"{server.url}/api/webhooks/incidents"
        async with http.post(url, data=body) as response:
            assert response.status == 503
            assert int(response.headers["Retry-After"]) > 0
        await server.log.wait_for(r"\[incident-engine\] child not writable; event dropped")
