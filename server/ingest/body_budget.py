"""Limits how many bytes of bodies are in memory at once, from any sender and at any speed."""

from functools import wraps

from aiohttp import web
from aiohttp.typedefs import Handler

FREE_BYTES = 128 * 1024
"""This much of each body is not counted: webhooks of the usual size get in whatever others send."""

MAX_BYTES = 64 * 1024 * 1024
"""The limit for the counted bytes of all bodies together. GitHub's two largest bodies fit in."""

RETRY_AFTER_S = 5


class BodyBudget:
    """Counts the bytes held, from the first byte of a body until its request is answered."""

    def __init__(self) -> None:
        self.held_bytes = 0

    def take(self, request: web.Request, size: int) -> bool:
        """Return whether `size` more bytes of this body may be held; if so, count them."""
        had = request.get(_READ_BYTES, 0)
        counted = max(0, had + size - FREE_BYTES) - max(0, had - FREE_BYTES)
        if self.held_bytes + counted > MAX_BYTES:
            return False
        request[_READ_BYTES] = had + size
        self.held_bytes += counted
        return True

    def give_back(self, request: web.Request) -> None:
        """Release the body of `request`, which has been answered."""
        self.held_bytes -= max(0, request.get(_READ_BYTES, 0) - FREE_BYTES)


BODY_BUDGET = web.AppKey("body budget", BodyBudget)
_READ_BYTES = web.RequestKey("bytes of the body", int)


def within_budget(handler: Handler) -> Handler:
    """Return `handler`, wrapped to give back what it took of the budget when it is done."""

    @wraps(handler)
    async def bounded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        finally:
            request.app[BODY_BUDGET].give_back(request)

    return bounded
