"""The postman's turns one by one, where a test moves time."""

import asyncio
from typing import Any

from server.notify.delivery.worker import Postman


class Deliveries(asyncio.TaskGroup):
    """Knows whether there was any."""

    any = False

    def create_task(self, *args: Any, **options: Any) -> asyncio.Task[Any]:
        """As that of every group."""
        self.any = True
        return super().create_task(*args, **options)


async def turn(postman: Postman) -> float:
    """Send each receiver the next message that is due; return the seconds until the next look."""
    async with Deliveries() as deliveries:
        pause_s = await postman.begin(deliveries)
    return 0.0 if deliveries.any else pause_s
