"""Finishes work that must not be cut off in the middle when its caller is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await `work`; if the caller is cancelled meanwhile, first wait until `work` has ended.

    This is for a write whose result is reported: if it were cut off, nobody would know whether it
    was committed. The work must end by itself, because a stop waits for it.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        if not task.cancelled():
            # Read the exception, or asyncio would report that nobody retrieved it.
            task.exception()
        raise
