"""Store what the engine said in the main database: in order, until it is there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from server.process import log
from server.process.backoff import Backoff
from server.storage.errors import REFUSED_BY_STORAGE, STORAGE_TROUBLE
from server.storage.journal.entry import JournalEntry
from server.supervisor.protocol import Batch
from shared.pipe import Outbound

Record = Callable[[Sequence[Outbound], Sequence[JournalEntry]], Awaitable[None]]
"""Stores messages about entries in one transaction; raises what `STORAGE_TROUBLE` names."""

_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 5.0


class Unrecordable(Exception):
    """What the engine said cannot be stored, however often it is tried."""


class Recording:
    """Keeps what cannot be stored now and tries again; `trouble` says why, while it does."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.trouble: str | None = None

    async def store(self, batch: Batch) -> None:
        """Return once `batch` is stored. Raises `Unrecordable`, with nothing of it stored."""
        try:
            await self.persist(
                "record what the engine said", lambda: self._record(batch.messages, batch.entries)
            )
        except Exception as error:
            # Whatever it is, the engine's words caused it, and they must not end the server.
            log.server(logging.ERROR, "what the engine said cannot be recorded", exc_info=error)
            raise Unrecordable(
                f"what it said cannot be recorded: {type(error).__name__}: {_first_line(error)}"
            ) from error

    async def persist(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`, which is all or nothing, until the database accepts it."""
        backoff = Backoff(_FIRST_RETRY_S, _LONGEST_RETRY_S)
        while True:
            try:
                await work()
            except REFUSED_BY_STORAGE:
                raise
            except STORAGE_TROUBLE as error:
                self.trouble = f"cannot {what}: {_first_line(error)}"
                delay = backoff.failed()
                log.engine(
                    logging.ERROR,
                    f"{self.trouble}; trying again in {delay:.1f} s",
                    f"cannot {what}",
                )
                await asyncio.sleep(delay)
                continue
            if self.trouble is not None:
                self.trouble = None
                log.engine(logging.INFO, f"can {what} again")
            return


def _first_line(error: Exception) -> str:
    # SQLAlchemy shows statement and values below the reason, and these may be anybody's data.
    return (str(error).splitlines() or [repr(error)])[0]
