"""Slows down guessing: limits how often a secret may be tried, by address and by account."""

from limits import RateLimitItemPerMinute
from limits.aio.strategies import MovingWindowRateLimiter

from server.process.counts import Counts
from server.process.senders import sender_of

_BY_ACCOUNT = RateLimitItemPerMinute(10, 15)
_BY_ADDRESS = RateLimitItemPerMinute(30, 15)
"""Per quarter of an hour. A person who mistypes stays below; a list of passwords gets nowhere."""

MAX_COUNTS = 20_000
"""How many counts are held: one for an address, and one for each account that is tried from it."""


class Throttle:
    """Counts tries, in memory: a restart forgets them.

    An account is counted separately for each address, so that nobody can lock out its owner by
    failing on purpose from elsewhere. From an address that has had its tries, no further account
    is counted. At `MAX_COUNTS` all of them begin again: who has thousands of addresses gets new
    tries with each of them anyway.
    """

    def __init__(self) -> None:
        self._counts = Counts(MAX_COUNTS, MovingWindowRateLimiter)

    def __len__(self) -> int:
        """Return how many counts are held."""
        return len(self._counts)

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
