"""A Slack that only listens, and may kill the server while it tells."""

import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web


class Sink:
    """Takes messages at `url`; at the one numbered `strike_at` it calls `strike`, unanswered."""

    def __init__(self) -> None:
        self.url = ""
        self.messages: list[str] = []
        self.strike_at: int | None = None
        self.strike: Callable[[], None] = lambda: None

    async def take(self, request: web.Request) -> web.Response:
        """As Slack's incoming webhooks answer."""
        self.messages.append(await request.text())
        if len(self.messages) == self.strike_at:
            self.strike()
        return web.Response(text="ok")


@contextlib.asynccontextmanager
async def open_sink() -> AsyncIterator[Sink]:
    """A sink on a free port of this machine."""
    sink = Sink()
    app = web.Application()
    app.router.add_post("/hook", sink.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port: int = runner.addresses[0][1]
        sink.url = f"http://127.0.0.1:{port}/hook"
        yield sink
    finally:
        await runner.cleanup()
