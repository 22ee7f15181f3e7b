"""How much of bodies may be in memory at once, whoever sends them and however slowly."""

from functools import wraps

from aiohttp import web
from aiohttp.typedefs import Handler

FREE_BYTES = 128 * 1024
"""Of each body so much is not counted: webhooks of the usual size are taken whatever others do."""

MAX_BYTES = 64 * 1024 * 1024
"""Beyond that, of all bodies together. Of the largest that GitHub sends, two fit in."""

RETRY_AFTER_S = 5


class BodyBudget:
    """Counts what is held, from the first byte of a body until its request is answered."""

    def __init__(self) -> None:
        self.held_bytes = 0

    def take(self, request: web.Request, size: int) -> bool:
        """Whether so many bytes more of the body of `request` may be held; they count if so."""
        had = request.get(_READ_BYTES, 0)
        counted = max(0, had + size - FREE_BYTES) - max(0, had - FREE_BYTES)
        if self.held_bytes + counted > MAX_BYTES:
            return False
        request[_READ_BYTES] = had + size
        self.held_bytes += counted
        return True

    def give_back(self, request: web.Request) -> None:
        """The request is answered: its body is held no more."""
        self.held_bytes -= max(0, request.get(_READ_BYTES, 0) - FREE_BYTES)


BODY_BUDGET = web.AppKey("body budget", BodyBudget)
_READ_BYTES = web.RequestKey("bytes of the body", int)


def within_budget(handler: Handler) -> Handler:
    """`handler`, after which what it took of the budget is given back."""

    @wraps(handler)
    async def bounded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        finally:
            request.app[BODY_BUDGET].give_back(request)

    return bounded
