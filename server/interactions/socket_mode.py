"""Hears of presses over a WebSocket to Slack (Socket Mode), for servers that Slack cannot reach.

Slack gives an address for each connection, asks for a new one every few hours, and wants each
envelope acknowledged. One that is not acknowledged is sent again, which does no harm.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec

from server.interactions.payload import InvalidInteraction, read_payload
from server.interactions.presses import Presses
from server.notify.channel import DeliveryFailed
from server.notify.slack.api import SlackApi
from server.process import log
from server.process.backoff import Backoff
from server.storage.errors import why_unusable

HEARTBEAT_S = 30.0
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 300.0
MAX_ENVELOPE_BYTES = 1024 * 1024


class _Envelope(msgspec.Struct):
    type: str
    envelope_id: str | None = None
    payload: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Envelope).decode


class SocketMode:
    """Keeps a connection to Slack, and does what is pressed."""

    def __init__(
        self,
        api: SlackApi,
        session: aiohttp.ClientSession,
        presses: Presses,
        report: Callable[[BaseException], None],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Set it up. `api` has the app-level token; `draw` gives numbers from 0 up to 1.

        `report` is told of defects.
        """
        self._api = api
        self._session = session
        self._presses = presses
        self._report = report
        self._sleep = sleep
        self._backoff = Backoff(FIRST_BACKOFF_S, LONGEST_BACKOFF_S, draw)
        self._said = ""

    async def run(self) -> None:
        """Connect, again and again, until cancelled."""
        while True:
            try:
                await self._listen(await self._api.open_connection())
            except DeliveryFailed as failure:
                await self._wait(str(failure), failure.retry_after_s or 0.0)
            except (aiohttp.ClientError, TimeoutError) as error:
                await self._wait(f"the WebSocket to Slack failed: {type(error).__name__}")

    async def _listen(self, url: str) -> None:
        """Do what is pressed until the connection ends; raise if it ends before Slack's hello."""
        has_begun = False
        async with self._session.ws_connect(
            url, heartbeat=HEARTBEAT_S, max_msg_size=MAX_ENVELOPE_BYTES
        ) as socket:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                try:
                    envelope = _decode(message.data)
                except msgspec.DecodeError as error:
                    log.server(logging.WARNING, f"slack: an envelope is not readable: {error}")
                    continue
                match envelope.type:
                    case "hello":
                        has_begun = True
                        self._connected()
                    case "disconnect":
                        return
                    case "interactive":
                        await self._take(socket, envelope)
        if not has_begun:
            raise DeliveryFailed("Slack ended the WebSocket at once", permanent=False)

    async def _take(self, socket: aiohttp.ClientWebSocketResponse, envelope: _Envelope) -> None:
        """Do it and acknowledge it; Slack says so to whoever pressed if that does not come."""
        try:
            for pressed in read_payload(envelope.payload):
                await self._presses.do(pressed)
        except InvalidInteraction as error:
            log.server(logging.WARNING, f"slack: {error}")
        except Exception as error:
            # As for requests, this catches unforeseen errors, so that the process lives on.
            reason = why_unusable(error)
            defect = error if reason is None else None
            log.server(logging.ERROR, f"slack: a press was not done: {reason}", exc_info=defect)
            if defect is not None:
                self._report(defect)
            return
        if envelope.envelope_id is not None:
            await socket.send_json({"envelope_id": envelope.envelope_id})

    def _connected(self) -> None:
        self._backoff.forget()
        self._say(logging.INFO, "slack: connected (Socket Mode), and buttons work")

    async def _wait(self, reason: str, at_least_s: float = 0.0) -> None:
        pause_s = max(self._backoff.failed(), at_least_s)
        self._say(logging.WARNING, f"slack: buttons do not work now: {reason}")
        await self._sleep(pause_s)

    def _say(self, level: int, line: str) -> None:
        """Write the line, unless it was the last one."""
        if line != self._said:
            self._said = line
            log.server(level, line)
