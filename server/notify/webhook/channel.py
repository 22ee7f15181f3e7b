"""The channel of webhooks: one signed POST for one piece of news, and one for a digest of many."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import msgspec

from server.notify.channel import ChannelName, DeliveryFailed, Letter
from server.notify.delivery.pace import WEBHOOK, Meter
from server.notify.receiver_names import name_of
from server.notify.webhook.answers import failure_of
from server.notify.webhook.payload import payload_of
from server.notify.webhook.signature import signed_headers
from server.process.outgoing import Networks, open_session, why_no_answer
from server.settings.settings import Webhooks
from server.storage.main.slack_messages import SlackMessage

TIMEOUT_S = 15.0
"""As long as Standard Webhooks recommends at least."""

_HEADERS = {"Content-Type": "application/json", "User-Agent": "PushLog"}


class SignedWebhooks:
    """Calls the addresses of WEBHOOK_URLS, which rows know only by name."""

    name: ChannelName = "webhook"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        webhooks: Webhooks,
        public_url: str,
        now: Callable[[], datetime],
    ) -> None:
        self.meter = Meter(WEBHOOK.per_minute, now)
        self.editing: asyncio.Lock | None = None
        self._session = session
        self._urls = {webhook_receiver(url): url for url in webhooks.urls}
        self._key = webhooks.key
        self._public_url = public_url
        self._now = now

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        """Make the one call about these letters. Raises `DeliveryFailed`."""
        url = self._urls.get(letters[0].receiver)
        if url is None:
            raise DeliveryFailed(
                "WEBHOOK_URLS no longer has this address", permanent=True, kind="settings"
            )
        payload = payload_of(letters, self._public_url)
        body = msgspec.json.encode(payload)
        signed = signed_headers(self._key, payload.id, self._now(), body)
        failure = await self._call(url, body, {**_HEADERS, **signed})
        if failure is not None:
            raise failure
        return ()

    async def _call(self, url: str, body: bytes, headers: dict[str, str]) -> DeliveryFailed | None:
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._session.post(
                    url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                return failure_of(response.status, response.headers, self._now())
        except TimeoutError:
            return DeliveryFailed(
                f"the receiver did not answer within {TIMEOUT_S:.0f} s", permanent=False
            )
        except aiohttp.ClientError as error:
            return DeliveryFailed(why_no_answer(error, "the receiver"), permanent=False)


def webhook_receiver(url: str) -> str:
    """Return the name of the receiver at `url`: its host, and nothing secret of its address."""
    return name_of(urlsplit(url).hostname or "", url)


@contextlib.asynccontextmanager
async def open_webhooks(
    webhooks: Webhooks,
    public_url: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    allowed: Networks = (),
) -> AsyncIterator[SignedWebhooks]:
    """Yield the channel; `allowed` are the inside networks that may be called."""
    async with open_session(allowed) as session:
        yield SignedWebhooks(session, webhooks, public_url, now)
