"""The pace of work that has time: nobody is to wait for it."""

import asyncio
import time

_PAUSE_S = 0.02
_PAUSE_FACTOR = 9.0
"""The pause after a step, as a multiple of the step's own length.

Such work takes at most a tenth of the time, and less if the disk is slow or others write much.
"""


async def rest(started: float) -> None:
    """Pause after a step that began at `started` (`time.monotonic`)."""
    took = time.monotonic() - started
    await asyncio.sleep(max(_PAUSE_S, took * _PAUSE_FACTOR))
