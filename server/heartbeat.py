"""Calls an address while everything is well, so that somebody else notices when it stops.

A dead man's switch (healthchecks.io, say) alerts when the calls stop, whether because the engine
stands still, the process is gone, or the whole machine is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiohttp

from server.process import log
from server.process.outgoing import Networks, open_session, why_not_connected

EVERY_S = 60.0
LOOK_AGAIN_S = 5.0
"""How soon to look again after trouble was found."""

TIMEOUT_S = 10.0


class Heartbeat:
    """Calls `url` at most once in `every_s`, and only while `find_trouble` finds no trouble.

    The log says when that changes, but never names the address: anybody who knows it can call it.
    `allowed` are the inside networks that may be called.
    """

    def __init__(
        self,
        url: str,
        find_trouble: Callable[[], Awaitable[str | None]],
        allowed: Networks = (),
        *,
        every_s: float = EVERY_S,
        look_again_s: float = LOOK_AGAIN_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._url = url
        self._find_trouble = find_trouble
        self._allowed = allowed
        self._every_s = every_s
        self._look_again_s = look_again_s
        self._timeout_s = timeout_s
        self._said: str | None = None

    async def run(self) -> None:
        """Look and call forever."""
        async with open_session(self._allowed) as session:
            while True:
                trouble = await self._find_trouble()
                if trouble is not None:
                    self._say(logging.WARNING, f"heartbeat withheld: {trouble}")
                    await asyncio.sleep(self._look_again_s)
                    continue
                failure = await self._call(session)
                if failure is None:
                    self._say(logging.INFO, "heartbeat arrives")
                else:
                    self._say(logging.WARNING, f"heartbeat does not arrive: {failure}")
                await asyncio.sleep(self._every_s)

    async def _call(self, session: aiohttp.ClientSession) -> str | None:
        """Return why the call did not arrive, or None if it did."""
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                session.get(self._url, allow_redirects=False) as response,
            ):
                if 200 <= response.status < 300:
                    return None
                return f"HEARTBEAT_URL answered HTTP {response.status}"
        except TimeoutError:
            return f"no answer within {self._timeout_s:.0f} s"
        except aiohttp.ClientConnectorError as error:
            return why_not_connected(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The text of these errors may hold the address.
            return type(error).__name__

    def _say(self, level: int, text: str) -> None:
        if text != self._said:
            self._said = text
            log.server(level, text)
