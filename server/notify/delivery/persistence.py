"""Writes that must not be given up: what was told outside, and would otherwise be told again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from server.process import log
from server.process.cancellation import finish
from server.storage.database import Database, Transaction
from server.storage.errors import STORAGE_TROUBLE
from server.storage.main.outbox import ChannelName

RETRY_S = 1.0


async def persist(
    database: Database, channel: ChannelName, work: Callable[[Transaction], Awaitable[object]]
) -> None:
    """Do `work` in a transaction, again and again until the database accepts it.

    If cancelled meanwhile, this waits until the running try has ended.
    """
    while True:
        try:
            await finish(_write(database, work))
        except STORAGE_TROUBLE as error:
            log.server(logging.ERROR, f"{channel} waits for the database: {error}")
            await asyncio.sleep(RETRY_S)
            continue
        return


async def _write(database: Database, work: Callable[[Transaction], Awaitable[object]]) -> None:
    async with database.write() as tx:
        await work(tx)
