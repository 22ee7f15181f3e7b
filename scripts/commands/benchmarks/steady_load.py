"""Webhooks at a steady pace, each on a connection of its own, as Sentry sends them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime

import aiohttp
import msgspec

SENT = "GapError"
"""The exception type of what is sent."""


class Sent(msgspec.Struct, frozen=True):
    """One webhook: when it was sent, how long until its answer, and whether that was 202."""

    at: float
    took_s: float
    accepted: bool


class Webhook(msgspec.Struct, frozen=True):
    """A webhook to send: where to, what, and as what."""

    path: str
    body: object
    headers: Mapping[str, str] = {}


def one_like_the_last() -> Webhook:
    """Return one more event of always the same issue."""
    return Webhook(
        "/api/webhooks/incidents",
        {
            "source": "benchmark",
            "service": "shop",
            "environment": "production",
            "timestamp": datetime.now(UTC).isoformat(),
            "severity": "error",
            "exception_type": SENT,
            "message": "one of many at a steady pace",
        },
    )


@contextlib.asynccontextmanager
async def steady_load(
    url: str, per_second: float, make: Callable[[], Webhook] = one_like_the_last
) -> AsyncIterator[list[Sent]]:
    """Send webhooks while the context lasts; the list grows, and is whole after it."""
    sent: list[Sent] = []

    async def one(http: aiohttp.ClientSession) -> None:
        webhook = make()
        started = time.monotonic()
        accepted = False
        with contextlib.suppress(aiohttp.ClientError):
            async with http.post(
                url + webhook.path, json=webhook.body, headers=webhook.headers
            ) as response:
                await response.read()
                accepted = response.status == 202
        sent.append(Sent(started, time.monotonic() - started, accepted))

    async def all_of_them() -> None:
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as group:
            while not ended:
                group.create_task(one(http))
                await asyncio.sleep(1 / per_second)

    ended = False
    sending = asyncio.create_task(all_of_them())
    try:
        yield sent
    finally:
        ended = True
        await sending
