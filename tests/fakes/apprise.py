"""A service that Apprise sends to as JSON.

async with Sink() as sink:
    ... APPRISE_URLS=sink.address
    await sink.wait_for(2)
"""

import asyncio
from typing import Any

from aiohttp import web

from tests.fakes.local_server import LocalServer
from tests.waiting import limit


class Sink(LocalServer):
    """Takes what Apprise sends as JSON; `statuses` are answered first."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.hangs = False
        self.called = asyncio.Event()
        self._released = asyncio.Event()
        self._changed = asyncio.Event()
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        super().__init__(app)

    @property
    def address(self) -> str:
        """For APPRISE_URLS."""
        return self.url.replace("http://", "json://ada:s3cret-login@") + "/s3cret-path"

    def release(self) -> None:
        """Answer the calls that hang."""
        self._released.set()

    async def wait_for(self, count: int) -> None:
        """Return as soon as it has taken this many messages."""
        async with limit():
            while len(self.messages) < count:
                self._changed.clear()
                await self._changed.wait()

    async def _take(self, request: web.Request) -> web.Response:
        self.called.set()
        if self.hangs:
            await self._released.wait()
        if self.statuses:
            return web.Response(status=self.statuses.pop(0), text=f"s3cret-said {request.path}")
        self.messages.append(await request.json())
        self._changed.set()
        return web.Response()
