"""A dead man's switch: it counts the calls that it gets, and answers as it is told to."""

import asyncio
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.waiting import limit


class FakeMonitor:
    """The server; `url` is what belongs into HEARTBEAT_URL."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[str] = []
        """The method and path of each, oldest first."""
        self.status = 200
        self.hang = False
        """While it is, no call is answered."""
        self._called = asyncio.Event()
        self._released = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def wait_for_calls(self, count: int) -> None:
        """Return as soon as it was called so often."""
        async with limit():
            while len(self.calls) < count:
                self._called.clear()
                await self._called.wait()

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/ping/secret"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.calls.append(f"{request.method} {request.path}")
        self._called.set()
        if self.hang:
            await self._released.wait()
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})
