"""Hears of what the other servers of the same database wrote, and wakes whoever waits for it here.

It looks at the tables, since poolers lose what PostgreSQL could tell by itself.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from server.accounts.first_code import FirstCode
from server.notify.live import Live
from server.process import log
from server.storage.database import Database, Transaction
from server.storage.errors import STORAGE_TROUBLE
from server.storage.main import accounts, incidents, notifications

LOOK_EVERY_S = 0.5


class Seen(msgspec.Struct, frozen=True):
    """The newest notification and the newest change of an incident, by id."""

    notification: int
    change: int


class Others:
    """Looks for news of the other servers. `wake` says that there may be mail to deliver."""

    def __init__(
        self, database: Database, live: Live, first_code: FirstCode, wake: Callable[[], None]
    ) -> None:
        self._database = database
        self._live = live
        self._first_code = first_code
        self._wake = wake
        self._seen: Seen | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except STORAGE_TROUBLE as error:
                log.server(logging.ERROR, f"cannot hear of the other servers: {error}")
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once."""
        before = self._seen
        now, rung, has_accounts = await self._database.read_at_once(self._read)
        self._seen = now
        if has_accounts:
            self._first_code.use_up()
        self._wake()
        for person_id in rung:
            self._live.publish(person_id)
        if before is not None and before != now:
            self._live.publish_incidents()

    async def _read(self, tx: Transaction) -> tuple[Seen, list[int], bool]:
        seen = Seen(await notifications.newest_of_all(tx), await incidents.newest_change(tx))
        rung: list[int] = []
        if self._seen is not None and seen.notification > self._seen.notification:
            rung = await notifications.people_rung(tx, self._seen.notification)
        is_offered = self._first_code.code is not None
        return seen, rung, is_offered and await accounts.exist(tx)
