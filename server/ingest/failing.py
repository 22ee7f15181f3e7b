"""Counts senders who keep sending invalid requests, so that they can be answered cheaply."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from server.process.senders import sender_of
from server.storage.main.webhooks import Route

FAILURES_A_MINUTE = 60
"""The limit for one source and address, in a row. A misconfigured sender has noticed by then."""

MAX_SENDERS = 1_000

_LIMIT = RateLimitItemPerMinute(FAILURES_A_MINUTE)


class Failing:
    """Counts the failures of each address and source, in memory: a restart forgets them.

    It holds at most `MAX_SENDERS`. When there are more, all of them are forgiven: they are still
    refused, only at a slightly higher cost.
    """

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)

    def __len__(self) -> int:
        """Return how many senders are counted."""
        return len(self._storage.storage)

    async def wait_s(self, source: Route, address: str) -> int:
        """Return how many seconds this sender is still cut off for, or 0."""
        keys = (source, sender_of(address))
        if await self._limiter.test(_LIMIT, *keys):
            return 0
        window = await self._limiter.get_window_stats(_LIMIT, *keys)
        return max(1, math.ceil(window.reset_time - time.time()))

    async def count(self, source: Route, address: str) -> None:
        """Count an invalid request of this sender."""
        if len(self) >= MAX_SENDERS:
            await self._storage.reset()
        await self._limiter.hit(_LIMIT, source, sender_of(address))

    async def forgive(self, source: Route, address: str) -> None:
        """Forget this sender's failures, because it sent something good."""
        await self._limiter.clear(_LIMIT, source, sender_of(address))
