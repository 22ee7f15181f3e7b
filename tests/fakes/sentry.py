"""Where Sentry takes envelopes, as its documentation describes it: one project, with one key.

``POST /api/{project}/envelope/`` answers 200 with the event's id, 400 to what is no envelope, 403
to another key, and 429 with ``Retry-After`` when it is too much::

    async with FakeSentry() as sentry:
        ... VITE_SENTRY_DSN=sentry.dsn
        (envelope,) = await sentry.wait_for_envelopes(1)
"""

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.fakes.local_server import LocalServer
from tests.waiting import limit

KEY = "9a3fb0e0c84e4f6fb6f4e7a9d8c51f02"
PROJECT = 42


class FakeSentry(LocalServer):
    """The server; `envelopes` are those that it took, oldest first."""

    def __init__(self) -> None:
        self.envelopes: list[bytes] = []
        self.requests: list[web.Request] = []
        """Whatever was asked for, at any address."""
        self.retry_after: str | None = None
        """While this is set, everything is too much."""
        self.status = 200
        """Another one: what is down, or another server, answers this to everything."""
        self.hang = False
        """While this is set, nothing is answered."""
        self._came = asyncio.Event()
        self._released = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        super().__init__(app)

    @property
    def dsn(self) -> str:
        """For VITE_SENTRY_DSN."""
        return f"{self.url.replace('://', f'://{KEY}@')}/{PROJECT}"

    async def wait_for_envelopes(self, count: int) -> list[bytes]:
        """Return the envelopes, as soon as there are this many."""
        await self._wait(self.envelopes, count)
        return self.envelopes

    async def wait_for_requests(self, count: int) -> None:
        """Return as soon as this much was asked, whether it is answered or not."""
        await self._wait(self.requests, count)

    def release(self) -> None:
        """Answer what hangs."""
        self._released.set()

    async def _wait(self, what: list[Any], count: int) -> None:
        async with limit():
            while len(what) < count:
                self._came.clear()
                await self._came.wait()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(request)
        self._came.set()
        if self.hang:
            await self._released.wait()
        if self.retry_after is not None:
            return web.json_response(
                {"detail": "Sentry dropped data due to a quota or internal rate limit"},
                status=429,
                headers={
                    "Retry-After": self.retry_after,
                    "X-Sentry-Rate-Limits": f"{self.retry_after}:error:project",
                },
            )
        if self.status != 200:
            return web.Response(status=self.status, headers={"Location": "/elsewhere"})
        if request.path != f"/api/{PROJECT}/envelope/":
            return web.json_response({"detail": "not found"}, status=404)
        try:
            header = json.loads(body.partition(b"\n")[0])
        except ValueError:
            return web.json_response({"detail": "invalid event envelope"}, status=400)
        if header.get("dsn") != self.dsn:
            return web.json_response({"detail": "event submission rejected"}, status=403)
        self.envelopes.append(body)
        self._came.set()
        return web.json_response({"id": header.get("event_id")})
