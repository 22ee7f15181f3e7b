"""Passes envelopes on to Sentry. What becomes of one is an answer, and never an error."""

import asyncio
import logging
from typing import Literal

import aiohttp
import msgspec
from aiohttp import hdrs

from server.process import log
from server.process.outgoing import why_not_connected

TIMEOUT_S = 5.0
"""How long Sentry may take to answer. It usually takes less than one second."""

MAX_UNDER_WAY = 8
"""How many envelopes are passed on at once, from all pages together."""

DEFAULT_PAUSE_S = 60
"""How long to pause if Sentry says that it is too much, and not for how long."""

MAX_PAUSE_S = 3_600


class Outcome(msgspec.Struct, frozen=True):
    """What to answer to the page: 200, 429, 502 or 503; with 429 and 503, when to try again."""

    status: Literal[200, 429, 502, 503]
    retry_after_s: int | None = None


class Relay:
    """Posts to one address, which its sender cannot choose, and follows no redirection from there.

    An envelope is tried once. One that Sentry does not take is lost, and a line of the log says
    why.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._session = session
        self._url = url
        self._timeout_s = timeout_s
        self._under_way = 0

    async def pass_on(self, envelope: bytes) -> Outcome:
        """Send the envelope, without anything else of the request that brought it."""
        if self._under_way >= MAX_UNDER_WAY:
            _log_lost("too many are under way")
            return Outcome(503, DEFAULT_PAUSE_S)
        self._under_way += 1
        try:
            return await self._post(envelope)
        finally:
            self._under_way -= 1

    async def _post(self, envelope: bytes) -> Outcome:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.post(
                    self._url,
                    data=envelope,
                    headers={hdrs.CONTENT_TYPE: "application/x-sentry-envelope"},
                    allow_redirects=False,
                ) as response,
            ):
                return _judge(response.status, response.headers.get(hdrs.RETRY_AFTER))
        except TimeoutError:
            _log_lost(f"no answer within {self._timeout_s:g} s")
        except aiohttp.ClientConnectorError as error:
            _log_lost(why_not_connected(error))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The text of these errors may hold the address.
            _log_lost(type(error).__name__)
        return Outcome(502)


def _judge(status: int, retry_after: str | None) -> Outcome:
    if 200 <= status < 300:
        return Outcome(200)
    _log_lost(f"Sentry answered HTTP {status}")
    if status != 429:
        return Outcome(502)
    text = retry_after or ""
    # Not a date, which Sentry does not send; and no more digits than a number of seconds has.
    known = text.isascii() and text.isdecimal() and len(text) < 10
    return Outcome(429, min(int(text), MAX_PAUSE_S) if known else DEFAULT_PAUSE_S)


def _log_lost(why: str) -> None:
    text = f"the error of a page did not reach VITE_SENTRY_DSN: {why}"
    log.server(logging.WARNING, text, cause=text)
