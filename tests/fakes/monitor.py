"""A dead man's switch: it counts the calls that it gets, and answers as it is told to."""

import asyncio

from aiohttp import web

from tests.fakes.local_server import LocalServer
from tests.waiting import limit


class FakeMonitor(LocalServer):
    """The server; `heartbeat_url` is the value for HEARTBEAT_URL."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        """The method and path of each, oldest first."""
        self.status = 200
        self.hang = False
        """While this is set, no call is answered."""
        self._called = asyncio.Event()
        self._released = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        super().__init__(app)

    async def wait_for_calls(self, count: int) -> None:
        """Return as soon as it has been called this many times."""
        async with limit():
            while len(self.calls) < count:
                self._called.clear()
                await self._called.wait()

    @property
    def heartbeat_url(self) -> str:
        """For HEARTBEAT_URL."""
        return f"{self.url}/ping/secret"

    def release(self) -> None:
        """Answer the calls that hang."""
        self._released.set()

    async def _answer(self, request: web.Request) -> web.Response:
        self.calls.append(f"{request.method} {request.path}")
        self._called.set()
        if self.hang:
            await self._released.wait()
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})
