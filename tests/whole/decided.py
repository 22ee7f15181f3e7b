"""Waits for the engine of a whole server."""

import asyncio

import aiohttp

from tests.processes import ServerProcess
from tests.signed_in import AS_OPERATOR
from tests.waiting import limit


async def all_decided(server: ServerProcess) -> None:
    """Return once nothing that was accepted waits for its decision."""
    # Before it has looked into the database it knows of nothing that waits.
    await server.log.wait_for("has its")
    async with aiohttp.ClientSession(headers=AS_OPERATOR) as http, limit():
        while await _backlog(http, server):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def _backlog(http: aiohttp.ClientSession, server: ServerProcess) -> int:
    async with http.get(f"{server.url}/health") as response:
        return int((await response.json())["engine"]["backlog"])
