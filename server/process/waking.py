"""Wait to be woken, but not for ever."""

import asyncio
import contextlib


async def woken_within(timeout_s: float, woken: asyncio.Event) -> None:
    """Return when `woken` is set, or after `timeout_s` seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await woken.wait()
