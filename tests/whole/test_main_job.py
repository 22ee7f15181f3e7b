"""A webhook's whole path: posted, journalled, decided, recorded, reported."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from tests.processes import ServerProcess, running_server
from tests.shared_data import FOLDER, needs_shared_data
from tests.waiting import LIMIT_S

PAYLOADS = FOLDER / "contracts" / "payloads"
SAMPLES = Path(__file__).parents[2] / "scripts" / "samples"

SIX_PLATFORMS = {
    "event_alert-python-none-in-context.json": "ZeroDivisionError",
    "event_alert-javascript-javascript-xbrowser-firefox.json": "Error",
    "event_alert-java-java-minimal.json": "ArithmeticException",
    "event_alert-go-issue-16-go.json": "*errors.errorString",
    "event_alert-csharp-unity.json": "NullReferenceException",
    "event_alert-cocoa-swiftui.json": "SIGABRT",
}


async def post(http: aiohttp.ClientSession, server: ServerProcess, body: bytes) -> dict[str, Any]:
    """Send a Sentry alert, which must be accepted; the answer."""
    headers = {"Content-Type": "application/json", "Sentry-Hook-Resource": "event_alert"}
    url = f"{server.url}/api/webhooks/sentry"
    async with http.post(url, data=body, headers=headers) as response:
        assert response.status == 202, await response.text()
        return dict(await response.json())


async def get(http: aiohttp.ClientSession, server: ServerProcess, path: str) -> dict[str, Any]:
    async with http.get(server.url + path) as response:
        assert response.status == 200, await response.text()
        return dict(await response.json())


async def heard(stream: aiohttp.ClientResponse, count: int) -> list[dict[str, Any]]:
    """The next `count` notifications of an event stream."""
    found: list[dict[str, Any]] = []
    event = ""
    while len(found) < count:
        line = (await stream.content.readline()).decode().strip()
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: ") and event == "notification":
            found.append(json.loads(line.removeprefix("data: ")))
    return found


async def check_told(
    http: aiohttp.ClientSession, server: ServerProcess, bodies: dict[str, bytes]
) -> None:
    """Each body, sent by itself, is an incident in the API, in the event stream and in the log."""
    async with http.get(f"{server.url}/api/notifications/stream") as stream:
        for exception_type, body in bodies.items():
            answer = await post(http, server, body)
            assert answer["duplicate"] is False
            (told,) = await asyncio.wait_for(heard(stream, 1), LIMIT_S)
            incident = await get(http, server, f"/api/incidents/{told['incident_id']}")
            assert incident["exception_type"] == exception_type
            assert incident["opened_seq"] == answer["seq"]
            decision = await get(http, server, f"/api/decisions/{answer['seq']}")
            assert decision["incident_id"] == told["incident_id"]
            await server.log.wait_for(
                rf"\[incident-engine\] incident {told['incident_id']} \((new_issue|alert)\) "
            )
    received = server.log.matching(r"\[webhooks/sentry\] Request received")
    ingested = server.log.matching(r"\[webhooks/sentry\] Ingested: \S.* in \S+/\S+")
    assert len(received) == len(ingested) == len(bodies)
    listed = await get(http, server, "/api/incidents")
    assert len(listed["incidents"]) == len(bodies)
    assert (await get(http, server, "/api/notifications"))["unread"] == len(bodies)


async def test_a_sample_of_each_platform_is_an_incident_in_api_stream_and_log(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    bodies = {}
    for number, path in enumerate(sorted(SAMPLES.glob("*.json"))):
        payload = json.loads(path.read_bytes())
        bodies[payload["data"]["event"]["exception"]["values"][0]["type"]] = in_production(
            payload, f"service-{number}"
        )
    assert len(bodies) >= 6
    async with running_server(tmp_path) as server:
        await check_told(http, server, bodies)


@needs_shared_data
async def test_a_real_payload_of_six_platforms_is_an_incident_in_api_stream_and_log(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    bodies = {
        exception_type: in_production(json.loads((PAYLOADS / name).read_bytes()), f"s{number}")
        for number, (name, exception_type) in enumerate(SIX_PLATFORMS.items())
    }
    async with running_server(tmp_path) as server:
        await check_told(http, server, bodies)


def in_production(payload: dict[str, Any], service: str) -> bytes:
    """The alert in production, and of a service of its own: otherwise they are one incident."""
    event = payload["data"]["event"]
    event["environment"] = "production"
    event["url"] = f"https://sentry.io/api/0/projects/acme/{service}/events/{event['event_id']}/"
    # Events from long ago open nothing, so these happen now.
    for name in ("datetime", "timestamp", "received"):
        event.pop(name, None)
    return json.dumps(payload).encode()


async def test_the_same_delivery_again_is_no_second_event(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    body = in_production(json.loads(next(SAMPLES.glob("*.json")).read_bytes()), "shop")
    first = await post(http, server, body)
    again = await post(http, server, body)
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    await server.log.wait_for(r"\[incident-engine\] incident inc-")
    assert len((await get(http, server, "/api/incidents"))["incidents"]) == 1


async def test_events_wait_for_an_engine_that_is_missing_and_are_decided_when_it_is_back(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    body = in_production(json.loads(next(SAMPLES.glob("*.json")).read_bytes()), "shop")
    async with running_server(
        tmp_path, env={"INCIDENT_ENGINE_BIN": str(tmp_path / "missing")}
    ) as server:
        answer = await post(http, server, body)
        await server.log.wait_for(r"\[incident-engine\] child not writable; event queued")
        assert await server.interrupt() == 0
    async with running_server(tmp_path) as server:
        await server.log.wait_for(r"\[incident-engine\] incident inc-[0-9a-f]{16} \(new_issue\) ")
        decision = await get(http, server, f"/api/decisions/{answer['seq']}")
        assert decision["incident_id"].startswith("inc-")


async def test_each_simulated_incident_is_one_of_its_own_and_notifies(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with running_server(tmp_path, env={"ENABLE_TEST_ROUTES": "true"}) as server:
        for _ in range(2):
            async with http.post(f"{server.url}/api/test/simulate-incident") as response:
                assert response.status == 202
        await server.log.wait_for_count(r"\[incident-engine\] incident inc-[0-9a-f]{16} ", 2)
        assert (await get(http, server, "/api/notifications"))["unread"] == 2


async def test_simulations_are_off_unless_they_are_turned_on(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    async with http.post(f"{server.url}/api/test/simulate-incident") as response:
        assert response.status == 404
        assert "ENABLE_TEST_ROUTES" in (await response.json())["error"]
