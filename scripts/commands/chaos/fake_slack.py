"""A Slack that accepts everything, from a webhook and a bot, and may kill the server meanwhile."""

import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web

CHANNEL = "C0ALERTS"
"""The bot's usual channel, by the name that edits need."""
OTHER_CHANNEL = "C0OTHERS"
"""Another one, which a route names."""


class Sink:
    """Keeps what it is told; at the message numbered `strike_at` it calls `strike`, unanswered."""

    def __init__(self) -> None:
        self.url = ""
        self.messages: list[str] = []
        """All that came, in order, including edits and replies in a thread."""
        self.standing: dict[str, str] = {}
        """What the bot's messages say in the end, by Slack's `ts`."""
        self.edits = 0
        self.strike_at: int | None = None
        self.strike: Callable[[], None] = lambda: None

    def as_webhook(self) -> dict[str, str]:
        """Return what the server needs to reach it by an incoming webhook."""
        return {"SLACK_WEBHOOK_URL": f"{self.url}/hook"}

    def as_bot(self) -> dict[str, str]:
        """Return what the server needs to reach it as a bot, which edits its messages."""
        return {
            "SLACK_API_URL": f"{self.url}/api",
            "SLACK_BOT_TOKEN": "xoxb-chaos",
            "SLACK_CHANNEL": CHANNEL,
        }

    async def take(self, request: web.Request) -> web.Response:
        """Answer as Slack's incoming webhooks do."""
        self._keep(await request.text())
        return web.Response(text="ok")

    async def post(self, request: web.Request) -> web.Response:
        """Answer as ``chat.postMessage`` does."""
        ts = f"1700000000.{len(self.standing):06}"
        channel = (await request.json())["channel"]
        self.standing[ts] = await request.text()
        self._keep(self.standing[ts])
        return web.json_response({"ok": True, "channel": channel, "ts": ts})

    async def update(self, request: web.Request) -> web.Response:
        """Answer as ``chat.update`` does."""
        asked = await request.json()
        ts = asked["ts"]
        if ts not in self.standing:
            return web.json_response({"ok": False, "error": "message_not_found"})
        self.standing[ts] = await request.text()
        self.edits += 1
        self._keep(self.standing[ts])
        return web.json_response({"ok": True, "channel": asked["channel"], "ts": ts})

    def _keep(self, message: str) -> None:
        self.messages.append(message)
        if len(self.messages) == self.strike_at:
            self.strike()


@contextlib.asynccontextmanager
async def open_sink() -> AsyncIterator[Sink]:
    """Yield a sink on a free port of this machine."""
    sink = Sink()
    app = web.Application()
    app.router.add_post("/hook", sink.take)
    app.router.add_post("/api/chat.postMessage", sink.post)
    app.router.add_post("/api/chat.update", sink.update)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port: int = runner.addresses[0][1]
        sink.url = f"http://127.0.0.1:{port}"
        yield sink
    finally:
        await runner.cleanup()
