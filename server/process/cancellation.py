"""What must not be cut off in the middle when whoever waits for it is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await `work`; where the caller is cancelled meanwhile, that waits until `work` has ended.

    For a write that is answered for: cut off, nobody would know whether it was committed. It must
    end by itself, since a stop waits for it.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        if not task.cancelled():
            # Read, or asyncio would tell of an error that nobody heard of.
            task.exception()
        raise
