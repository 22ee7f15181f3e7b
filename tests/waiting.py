"""The one limit on waiting, for every test: a longer wait would be in vain.

Nothing here says how fast anything is. What is waited for is an event; the limit only ends a test
whose event will never come, on a machine that may be slow and busy.
"""

import asyncio
from collections.abc import Callable

LIMIT_S = 60.0

_LOOK_AGAIN_S = 0.002


def limit() -> asyncio.Timeout:
    """``async with limit():`` around what must happen."""
    return asyncio.timeout(LIMIT_S)


async def until(condition: Callable[[], object]) -> None:
    """Return once `condition` holds, for conditions that have no event to wait for."""
    async with limit():
        while not condition():  # noqa: ASYNC110 - as said
            await asyncio.sleep(_LOOK_AGAIN_S)
