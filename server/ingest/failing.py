"""Who keeps sending what cannot be taken: counted, to answer them cheaply."""

import math
import time
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from server.storage.main.webhooks import Route

FAILURES_A_MINUTE = 60
"""Of one source from one address, one after another: who is set up wrongly learns of it by then."""

MAX_SENDERS = 1_000

_LIMIT = RateLimitItemPerMinute(FAILURES_A_MINUTE)


class Failing:
    """Counts the failures of each address and source, in memory: a restart forgives.

    It holds `MAX_SENDERS` at most. Where there are more, all are forgiven: they are refused anyway,
    at a little more cost.
    """

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)

    def __len__(self) -> int:
        """How many senders are counted."""
        return len(self._storage.storage)

    async def wait_s(self, source: Route, address: str) -> int:
        """How many seconds this sender is cut off for, 0 where it is not."""
        keys = (source, _sender(address))
        if await self._limiter.test(_LIMIT, *keys):
            return 0
        window = await self._limiter.get_window_stats(_LIMIT, *keys)
        return max(1, math.ceil(window.reset_time - time.time()))

    async def count(self, source: Route, address: str) -> None:
        """This sender sent what cannot be taken."""
        if len(self) >= MAX_SENDERS:
            await self._storage.reset()
        await self._limiter.hit(_LIMIT, source, _sender(address))

    async def forgive(self, source: Route, address: str) -> None:
        """This sender sent something good: what it got wrong before is forgotten."""
        await self._limiter.clear(_LIMIT, source, _sender(address))


def _sender(address: str) -> str:
    """Of IPv6 the network: whoever has one address there has 2^64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), 64), strict=False))
    return address
