"""A handler that stores nothing and rings at once, alone in a process: a baseline for the bell."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from scripts.commands.benchmarks.bell_load import PATH
from shared.event import PRODUCTION


@asynccontextmanager
async def ringing() -> AsyncIterator[str]:
    """Run it; yield its URL."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__), stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the handler has no output")
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def _serve() -> None:
    readers: set[EventSourceResponse] = set()

    async def take(request: web.Request) -> web.Response:
        event = await request.json()
        if event["environment"] == PRODUCTION:
            for reader in readers:
                await reader.send(event["message"], event="notification")
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def stream(request: web.Request) -> web.StreamResponse:
        async with sse_response(request) as response:
            readers.add(response)
            await response.wait()
        return response

    app = web.Application()
    app.router.add_post(PATH, take)
    app.router.add_get("/api/notifications/stream", stream)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
