"""How the main database connects, whichever kind it is."""

import msgspec
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine


class Engines(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of database connects, on the event loop and in threads.

    `begin_write` takes the lock of the one writer. `begin_read` begins one consistent view, if the
    connections of `reading` do not do so by themselves.
    """

    writing: AsyncEngine
    reading: AsyncEngine
    writing_in_threads: Engine
    reading_in_threads: Engine
    begin_write: str
    begin_read: str | None

    async def dispose(self) -> None:
        """Close all connections."""
        self.writing_in_threads.dispose()
        await self.writing.dispose()
