"""How late the event loop is: a handler that blocks it shows up."""

import asyncio
import contextlib
import time

from server.process.loop_lag import measure_loop_lag
from tests.waiting import limit


async def test_what_keeps_the_loop_busy_shows_as_lag() -> None:
    lags: asyncio.Queue[float] = asyncio.Queue()
    measuring = asyncio.create_task(measure_loop_lag(lags.put_nowait, every_s=0.01))
    try:
        async with limit():
            assert await lags.get() >= 0
            # Blocking the loop is the point.
            time.sleep(0.3)  # noqa: ASYNC251
            while await lags.get() < 0.25:
                pass
    finally:
        measuring.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await measuring
