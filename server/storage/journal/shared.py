"""The journal that several servers share, in PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

from server.storage.journal.clock import Clock, monotonic_micros, wall_micros
from server.storage.journal.entry import Appended, Arrival, JournalUnavailable
from server.storage.journal.journal import Journal
from server.storage.journal.store import JournalStore
from server.storage.journal.table import JournalTable

LOOK_EVERY_S = 0.1
"""How often it looks for what the other servers appended. Poolers lose LISTEN, so nothing tells."""

APPEND_TIMEOUT_S = 0.9
"""A sender waits no longer than a second. What is committed later is a duplicate when repeated."""


class SharedJournal(Journal):
    """A journal to which other servers append too."""

    def __init__(self, url: str) -> None:
        super().__init__(
            lambda: JournalTable(url),
            lambda: JournalTable(url),
            # PostgreSQL stamps the entries; this one only keeps the writer's pace.
            lambda last: Clock(wall_micros, monotonic_micros, not_before=last),
            None,
        )

    async def _append(self, arrival: Arrival) -> Appended:
        try:
            async with asyncio.timeout(APPEND_TIMEOUT_S):
                return await super()._append(arrival)
        except TimeoutError:
            raise JournalUnavailable(
                f"PostgreSQL did not answer within {APPEND_TIMEOUT_S} s"
            ) from None

    async def settled(self, seq: int) -> int | None:
        """Return the time, in microseconds, if `seq` is the newest entry of all servers.

        No entry will be stamped earlier than this, so it may be sent as a tick.
        """
        try:
            settling = self._writer.between_groups(lambda store: _table(store).settle(seq))
            return await settling or None
        except JournalUnavailable:
            return None

    async def follow(self) -> None:
        """Learn forever of what the other servers append."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            with contextlib.suppress(JournalUnavailable):
                self._written((), await self._from_file(lambda store: _table(store).read_end()))


def _table(store: JournalStore) -> JournalTable:
    return cast("JournalTable", store)


@contextlib.asynccontextmanager
async def open_shared_journal(url: str) -> AsyncIterator[SharedJournal]:
    """Open the journal in the database at `url`; raise `JournalUnavailable` if that fails."""
    journal = SharedJournal(url)
    try:
        yield journal
    finally:
        await journal.close()
