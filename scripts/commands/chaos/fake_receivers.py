"""A program that takes webhooks, and a target of Apprise; both accept everything."""

import base64
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web


class Receivers:
    """Keep what they are told."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.port = 0
        self.webhooks: list[str] = []
        self.apprise: list[str] = []

    def settings(self) -> dict[str, str]:
        """Return what the server needs to reach them."""
        key = base64.b64encode(b"chaos" * 6).decode()
        return {
            "WEBHOOK_URLS": f"http://{self.host}:{self.port}/hook",
            "WEBHOOK_SECRET": f"whsec_{key}",
            "OUTGOING_NETWORKS": f"{self.host}/32",
            "APPRISE_URLS": f"json://{self.host}:{self.port}/apprise",
        }

    async def take_webhook(self, request: web.Request) -> web.Response:
        """Take one delivery."""
        self.webhooks.append(await request.text())
        return web.Response(status=204)

    async def take_apprise(self, request: web.Request) -> web.Response:
        """Take one message."""
        self.apprise.append(await request.text())
        return web.Response(text="ok")


@contextlib.asynccontextmanager
async def open_receivers(host: str = "127.0.0.1") -> AsyncIterator[Receivers]:
    """Yield both on a free port of this machine, at the address `host`."""
    receivers = Receivers(host)
    app = web.Application()
    app.router.add_post("/hook", receivers.take_webhook)
    app.router.add_post("/apprise", receivers.take_apprise)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        receivers.port = runner.addresses[0][1]
        yield receivers
    finally:
        await runner.cleanup()
