"""Notes in which stretch of the journal an id is, so that whoever looks for it need not read all.

It follows the journal, off the way of whoever sends events: a stretch is indexed once it is
complete. What is not indexed yet is read through.
"""

import asyncio
import logging
import time

from server.process import log
from server.storage.database import Database
from server.storage.errors import STORAGE_TROUBLE
from server.storage.journal.ids import ids_of
from server.storage.journal.journal import Journal
from server.storage.main import entry_ids
from server.storage.main.entry_ids import Stretch
from server.storage.pace import rest

STRETCH = 500
"""Entries of a stretch: what is read through to find one of them."""

LOOK_EVERY_S = 5.0
_ENTRIES_A_STEP = 200
_BYTES_A_STEP = 1_000_000


class Indexing:
    """Indexes the ids of the journal's entries."""

    def __init__(self, journal: Journal, database: Database) -> None:
        self._journal = journal
        self._database = database

    async def run(self) -> None:
        """Follow the journal, until cancelled."""
        followed_to = -1
        while True:
            last_seq = self._journal.last_seq
            if last_seq != followed_to:
                try:
                    await self.catch_up()
                    followed_to = last_seq
                except STORAGE_TROUBLE as error:
                    log.server(logging.ERROR, f"ids cannot be indexed now: {error}")
            await asyncio.sleep(LOOK_EVERY_S)

    async def catch_up(self) -> None:
        """Index every stretch that is complete. Raises what the two databases raise."""
        while stretch := await self._next():
            ids = await self._ids_in(stretch)
            async with self._database.write() as tx:
                await entry_ids.store(tx, stretch, ids)

    async def _next(self) -> Stretch | None:
        """Return the oldest stretch without an index, if it is complete."""
        async with self._database.read() as tx:
            indexed_to = await entry_ids.indexed_to(tx)
        oldest = await self._journal.read(indexed_to, 1, 0)
        if not oldest:
            return None
        first = oldest[0].seq
        last = first + (-first) % STRETCH
        return Stretch(first, last) if last <= self._journal.last_seq else None

    async def _ids_in(self, stretch: Stretch) -> set[str]:
        ids: set[str] = set()
        after = stretch.first_seq - 1
        while after < stretch.last_seq:
            started = time.monotonic()
            wanted = min(_ENTRIES_A_STEP, stretch.last_seq - after)
            entries = await self._journal.read(after, wanted, _BYTES_A_STEP)
            for entry in entries:
                ids |= ids_of(entry.body)
            after = entries[-1].seq if entries else stretch.last_seq
            await rest(started)
        return ids
