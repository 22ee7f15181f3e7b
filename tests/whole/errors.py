"""An error as a program of the team's own reports it, and the incident that it opens."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import aiohttp

from tests.processes import ServerProcess
from tests.waiting import limit


def error_in(service: str) -> dict[str, str]:
    """The body of a webhook; the first of a service opens an incident of its own."""
    return {
        "source": "test",
        "service": service,
        "environment": "production",
        "timestamp": datetime.now(UTC).isoformat(),
        "severity": "error",
        "exception_type": "ValueError",
        "message": "price is negative",
    }


async def send(
    http: aiohttp.ClientSession, server: ServerProcess, service: str, key: str | None = None
) -> dict[str, Any]:
    """Send an error in a service of its own, as senders do: again until it is accepted."""
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    address = f"{server.url}/api/webhooks/incidents"
    async with limit():
        while True:
            async with http.post(address, json=error_in(service), headers=headers) as response:
                if response.status == 202:
                    answer: dict[str, Any] = await response.json()
                    return answer
                assert response.status == 503, await response.text()


async def services(http: aiohttp.ClientSession, server: ServerProcess) -> list[str]:
    """The services of all incidents, as this server lists them."""
    async with http.get(f"{server.url}/api/incidents") as response:
        return sorted(each["service"] for each in (await response.json())["incidents"])


async def listed(http: aiohttp.ClientSession, server: ServerProcess, wanted: list[str]) -> None:
    """Return once the server lists exactly one incident for each of these services."""
    async with limit():
        while await services(http, server) != wanted:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
