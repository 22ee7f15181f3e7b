"""A server on a port of its own, to stand in for services that tests cannot reach."""

from types import TracebackType
from typing import Self

from aiohttp import web


class LocalServer:
    """Serves `app` while its context lasts; `url` is where, without a slash at the end."""

    def __init__(self, app: web.Application) -> None:
        self.url = ""
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    def release(self) -> None:
        """Answer what is kept waiting: a server that does so has something to do here."""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
        await self._runner.cleanup()
