"""Measures how late the event loop is: whatever keeps it busy keeps every webhook waiting."""

import asyncio
from collections.abc import Callable

LOOK_EVERY_S = 0.25


async def measure_loop_lag(observe: Callable[[float], None], every_s: float = LOOK_EVERY_S) -> None:
    """Call `observe` forever with the number of seconds by which a timer went off too late."""
    now = asyncio.get_running_loop().time
    while True:
        due = now() + every_s
        await asyncio.sleep(every_s)
        observe(max(0.0, now() - due))
