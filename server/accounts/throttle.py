"""Slows down guessing: limits how often a secret may be tried, by address and by account."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from server.process.senders import sender_of

_BY_ACCOUNT = RateLimitItemPerMinute(10, 15)
_BY_ADDRESS = RateLimitItemPerMinute(30, 15)
"""Per quarter of an hour. A person who mistypes stays below; a list of passwords gets nowhere."""


class Throttle:
    """Counts tries, in memory: a restart forgets them.

    An account is counted separately for each address, so that nobody can lock out its owner by
    failing on purpose from elsewhere.
    """

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def wait_s(self, address: str, account: str) -> int:
        """Count one try; return how many seconds until the next is allowed, or 0 if this one is.

        It counts before anything is compared: tries that come all at once are many tries too.
        """
        waits = [0]
        for item, keys in self._limits(address, account):
            if not await self._limiter.hit(item, *keys):
                window = await self._limiter.get_window_stats(item, *keys)
                waits.append(max(1, math.ceil(window.reset_time - time.time())))
        return max(waits)

    async def forgive(self, address: str, account: str) -> None:
        """Forget the failures of this account, because the try was right."""
        ((item, keys), _) = self._limits(address, account)
        await self._limiter.clear(item, *keys)

    def _limits(
        self, address: str, account: str
    ) -> tuple[tuple[RateLimitItemPerMinute, tuple[str, ...]], ...]:
        account, sender = account.casefold()[:320], sender_of(address)
        return ((_BY_ACCOUNT, ("account", sender, account)), (_BY_ADDRESS, ("address", sender)))
