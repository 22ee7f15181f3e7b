"""Look now and then for what is due."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from server.process import log
from server.storage.errors import STORAGE_TROUBLE


async def take_turns(what: str, turn: Callable[[], Awaitable[None]], pause_s: float) -> None:
    """Take turns until cancelled; while the database cannot be used, say that `what` waits."""
    while True:
        try:
            await turn()
        except STORAGE_TROUBLE as error:
            log.server(logging.ERROR, f"{what} wait: {error}")
        await asyncio.sleep(pause_s)
