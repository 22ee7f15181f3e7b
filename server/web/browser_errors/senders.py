"""Limits how many reports a sender may make, so that nobody floods Sentry through PushLog."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from server.process.senders import sender_of

REPORTS_A_MINUTE = 30
"""For one address. A page that fails once a second is known by then."""

MAX_SENDERS = 1_000

_LIMIT = RateLimitItemPerMinute(REPORTS_A_MINUTE)


class Senders:
    """Counts the reports of each address, in memory: a restart forgets them.

    It holds at most `MAX_SENDERS`. When there are more, all of them start again at zero; how many
    reports are under way at once is limited elsewhere.
    """

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)

    def __len__(self) -> int:
        """Return how many senders are counted."""
        return len(self._storage.storage)

    async def wait_s(self, address: str) -> int:
        """Count one report; return in how many seconds the next may come, or 0 if this one may."""
        if len(self) >= MAX_SENDERS:
            await self._storage.reset()
        sender = sender_of(address)
        if await self._limiter.hit(_LIMIT, sender):
            return 0
        window = await self._limiter.get_window_stats(_LIMIT, sender)
        return max(1, math.ceil(window.reset_time - time.time()))
