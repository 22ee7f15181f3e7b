"""Slows down guessing: limits how often a secret may be tried, by address and by account."""

import math
from datetime import timedelta
from typing import Protocol

from limits import RateLimitItemPerMinute
from limits.aio.strategies import MovingWindowRateLimiter

from server.process.counts import Counts
from server.process.senders import sender_of
from server.storage.database import Database
from server.storage.shared import tries

_BY_ACCOUNT = RateLimitItemPerMinute(10, 15)
_BY_ADDRESS = RateLimitItemPerMinute(30, 15)
"""Per quarter of an hour. A person who mistypes stays below; a list of passwords gets nowhere."""

MAX_COUNTS = 20_000
"""How many counts are held: one for an address, and one for each account that is tried from it."""


class Counting(Protocol):
    """Counts tries of each name."""

    async def hit(self, item: RateLimitItemPerMinute, *keys: str) -> int:
        """Count one; return how many seconds until the next is allowed, or 0 if this one is."""

    async def forget(self, item: RateLimitItemPerMinute, *keys: str) -> None:
        """Forget those of this name."""


class SharedCounts:
    """Counts tries of all servers, in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hit(self, item: RateLimitItemPerMinute, *keys: str) -> int:
        """Count one; return how many seconds until the next is allowed, or 0 if this one is."""
        span = timedelta(seconds=item.get_expiry())
        async with self._database.write() as tx:
            return math.ceil(await tries.count(tx, keys, item.amount, span))

    async def forget(self, item: RateLimitItemPerMinute, *keys: str) -> None:
        """Forget those of this name."""
        del item
        async with self._database.write() as tx:
            await tries.forget(tx, keys)


class Throttle:
    """Counts tries; in memory, a restart forgets them.

    An account is counted separately for each address, so that nobody can lock out its owner by
    failing on purpose from elsewhere. From an address that has had its tries, no further account
    is counted. At `MAX_COUNTS` all of them begin again: who has thousands of addresses gets new
    tries with each of them anyway.
    """

    def __init__(self, counts: Counting | None = None) -> None:
        self._counts = Counts(MAX_COUNTS, MovingWindowRateLimiter) if counts is None else counts

    async def wait_s(self, address: str, account: str) -> int:
        """Count one try; return how many seconds until the next is allowed, or 0 if this one is.

        It counts before anything is compared: tries that come all at once are many tries too.
        """
        for item, keys in self._limits(address, account):
            if wait_s := await self._counts.hit(item, *keys):
                return wait_s
        return 0

    async def forgive(self, address: str, account: str) -> None:
        """Forget the failures of this account, because the try was right."""
        (_, (item, keys)) = self._limits(address, account)
        await self._counts.forget(item, *keys)

    def _limits(
        self, address: str, account: str
    ) -> tuple[tuple[RateLimitItemPerMinute, tuple[str, ...]], ...]:
        account, sender = account.casefold()[:320], sender_of(address)
        return ((_BY_ADDRESS, ("address", sender)), (_BY_ACCOUNT, ("account", sender, account)))
