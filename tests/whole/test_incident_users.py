"""From webhooks to the API: each user of an incident counts once, the first one included."""

import os
import signal
from datetime import UTC, datetime

import aiohttp

from tests.processes import ServerProcess
from tests.whole.decided import all_decided


async def post(http: aiohttp.ClientSession, server: ServerProcess, user_id: str) -> None:
    event = {
        "source": "test",
        "service": "shop",
        "environment": "production",
        "timestamp": datetime.now(UTC).isoformat(),
        "severity": "error",
        "exception_type": "ValueError",
        "message": "price is negative",
        "user_id": user_id,
    }
    async with http.post(f"{server.url}/api/webhooks/incidents", json=event) as response:
        assert response.status == 202


async def users_and_events(http: aiohttp.ClientSession, server: ServerProcess) -> tuple[int, int]:
    async with http.get(f"{server.url}/api/incidents") as response:
        (listed,) = (await response.json())["incidents"]
    async with http.get(f"{server.url}/api/incidents/{listed['incident_id']}") as response:
        one = await response.json()
    return one["users"], sum(one["last_day"])


async def test_users_are_counted_from_the_event_that_opened_it_on_and_once_if_the_engine_dies(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    await post(http, server, "ada")
    await all_decided(server)
    assert await users_and_events(http, server) == (1, 1)
    for user_id in ("bob", "ada"):
        await post(http, server, user_id)
    await all_decided(server)
    assert await users_and_events(http, server) == (2, 3)
    (engine,) = server.children()
    before = server.log.position()
    os.kill(engine, signal.SIGKILL)
    await server.log.wait_for("has its", since=before)
    for user_id in ("bob", "eve"):
        await post(http, server, user_id)
    await all_decided(server)
    assert await users_and_events(http, server) == (3, 5)
