"""Limits how often a password, code or link may be tried."""

import math

from aiohttp import web

from server.client import client_address
from server.keys import THROTTLE
from server.wording.numbers import say_duration


async def count_try(request: web.Request, account: str) -> None:
    """Count this try; after too many, answer 429 and when to come back."""
    wait_s = await request.app[THROTTLE].wait_s(client_address(request), account)
    if wait_s:
        raise web.HTTPTooManyRequests(
            text=f"Too many attempts. Try again in {say_duration(math.ceil(wait_s / 60))}.",
            headers={"Retry-After": str(wait_s)},
        )


async def forgive_tries(request: web.Request, account: str) -> None:
    """Forget the failed tries, because this one was right."""
    await request.app[THROTTLE].forgive(client_address(request), account)
