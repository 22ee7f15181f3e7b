"""Counts in memory what may happen only so often in a time."""

import math
import time

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter, RateLimiter


class Counts:
    """Counts under keys; a restart forgets them.

    It holds at most `most` counts. Beyond that, all of them begin again, so that strangers cannot
    fill the memory.
    """

    def __init__(self, most: int, strategy: type[RateLimiter] = FixedWindowRateLimiter) -> None:
        self._most = most
        self._storage = MemoryStorage()
        self._limiter = strategy(self._storage)

    def __len__(self) -> int:
        """Return how many counts are held."""
        # A fixed window is one number, a moving one the times of its events.
        return len(self._storage.storage) + len(self._storage.events)

    async def hit(self, limit: RateLimitItem, *keys: str) -> int:
        """Count one more; return in how many seconds the next may come, or 0 if this one may."""
        if len(self) >= self._most:
            await self._storage.reset()
        return 0 if await self._limiter.hit(limit, *keys) else await self._until(limit, *keys)

    async def wait_s(self, limit: RateLimitItem, *keys: str) -> int:
        """Return in how many seconds one more may come, or 0, without counting."""
        return 0 if await self._limiter.test(limit, *keys) else await self._until(limit, *keys)

    async def forget(self, limit: RateLimitItem, *keys: str) -> None:
        """Begin this count again."""
        await self._limiter.clear(limit, *keys)

    async def _until(self, limit: RateLimitItem, *keys: str) -> int:
        window = await self._limiter.get_window_stats(limit, *keys)
        return max(1, math.ceil(window.reset_time - time.time()))
