"""A program that takes webhooks, and checks them as Standard Webhooks says, with code of its own.

async with FakeReceiver() as receiver:
    ... WEBHOOK_URLS=receiver.address, WEBHOOK_SECRET=receiver.secret
    await receiver.wait_for(2)
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import msgspec
from aiohttp import web

from tests.fakes.local_server import LocalServer
from tests.waiting import limit

KEY = bytes(range(32))
TOLERANCE_S = 300


class Call(msgspec.Struct):
    """A call whose signature is right."""

    id: str
    body: dict[str, Any]
    raw: bytes


class FakeReceiver(LocalServer):
    """The server. `calls` were taken; `answers` come first, one for each call."""

    def __init__(self, key: bytes = KEY, *, checks_time: bool = True) -> None:
        self.secret = f"whsec_{base64.b64encode(key).decode()}"
        self.calls: list[Call] = []
        self.ids: list[str] = []
        """Of all calls, also those that were not taken."""
        self.answers: list[web.Response] = []
        self._checks_time = checks_time
        self._changed = asyncio.Event()
        app = web.Application()
        app.router.add_post("/hooks/s3cret-path", self._take)
        super().__init__(app)

    @property
    def address(self) -> str:
        """For WEBHOOK_URLS."""
        return f"{self.url}/hooks/s3cret-path?token=s3cret-token"

    async def wait_for(self, count: int) -> list[Call]:
        """The calls, as soon as this many were taken or more."""
        async with limit():
            while len(self.calls) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.calls

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self._is_signed(request, body):
            return web.Response(status=401)
        webhook_id = request.headers["webhook-id"]
        self.ids.append(webhook_id)
        if self.answers:
            return self.answers.pop(0)
        assert request.content_type == "application/json"
        assert request.query["token"] == "s3cret-token"
        self.calls.append(Call(webhook_id, json.loads(body), body))
        self._changed.set()
        return web.Response(status=204)

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        sent_at = request.headers["webhook-timestamp"]
        if self._checks_time and abs(time.time() - int(sent_at)) > TOLERANCE_S:
            return False
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        content = f"{request.headers['webhook-id']}.{sent_at}.{body.decode()}"
        mac = hmac.new(key, content.encode(), hashlib.sha256)
        expected = base64.b64encode(mac.digest()).decode()
        for signature in request.headers["webhook-signature"].split(" "):
            version, _, value = signature.partition(",")
            if version == "v1" and hmac.compare_digest(value, expected):
                return True
        return False
