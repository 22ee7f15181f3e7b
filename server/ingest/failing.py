"""Counts senders who keep sending invalid requests, so that they can be answered cheaply."""

from limits import RateLimitItemPerMinute

from server.process.counts import Counts
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
        self._counts = Counts(MAX_SENDERS)

    def __len__(self) -> int:
        """Return how many senders are counted."""
        return len(self._counts)

    async def wait_s(self, source: Route, address: str) -> int:
        """Return how many seconds this sender is still cut off for, or 0."""
        return await self._counts.wait_s(_LIMIT, source, sender_of(address))

    async def count(self, source: Route, address: str) -> None:
        """Count an invalid request of this sender."""
        await self._counts.hit(_LIMIT, source, sender_of(address))

    async def forgive(self, source: Route, address: str) -> None:
        """Forget this sender's failures, because it sent something good."""
        await self._counts.forget(_LIMIT, source, sender_of(address))
