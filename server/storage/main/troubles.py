"""The table troubles: what is, and was, wrong with PushLog itself."""

from datetime import datetime

import msgspec
from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import troubles
from server.storage.rows import struct_of
from shared.event import Severity


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Something is, or was, wrong with PushLog: `title` is what its kind is called.

    `text` says what is wrong, as it was last. While the trouble is open, `closed_at` is None.
    """

    id: int
    kind: str
    severity: Severity
    title: str
    text: str
    opened_at: datetime
    closed_at: datetime | None


async def open_now(tx: AsyncConnection) -> list[Trouble]:
    """Return the troubles that are open, the oldest first."""
    rows = await tx.execute(
        select(troubles).where(troubles.c.closed_at.is_(None)).order_by(troubles.c.id)
    )
    return [struct_of(row, Trouble) for row in rows]


async def newest(tx: AsyncConnection, limit: int, before: int | None = None) -> list[Trouble]:
    """Return troubles, open or not, the newest first; with `before`, those older than that id."""
    query = select(troubles).order_by(troubles.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(troubles.c.id < before)
    return [struct_of(row, Trouble) for row in await tx.execute(query)]


async def begin(
    tx: AsyncConnection, *, kind: str, severity: Severity, title: str, text: str, at: int
) -> Trouble:
    """Open a trouble of a kind of which none is open; `at` is in microseconds."""
    row = await tx.execute(
        insert(troubles)
        .values(kind=kind, severity=severity, title=title, text=text, opened_at=at)
        .returning(*troubles.c)
    )
    return struct_of(row.one(), Trouble)


async def set_text(tx: AsyncConnection, trouble_id: int, text: str) -> None:
    """Say what is wrong by now."""
    await tx.execute(update(troubles).where(troubles.c.id == trouble_id).values(text=text))


async def end(tx: AsyncConnection, trouble_id: int, at: int) -> Trouble:
    """Close an open trouble, and return it; `at` is in microseconds."""
    row = await tx.execute(
        update(troubles)
        .where(troubles.c.id == trouble_id)
        .values(closed_at=at)
        .returning(*troubles.c)
    )
    return struct_of(row.one(), Trouble)


def old(before: int) -> Select[tuple[int]]:
    """Return the query of the troubles that were closed before `before`, the oldest first."""
    return select(troubles.c.id).where(troubles.c.closed_at < before).order_by(troubles.c.closed_at)


async def remove_old(tx: AsyncConnection, before: int, limit: int) -> int:
    """Remove the first `limit` troubles of `old`, with their bells; return how many there were."""
    going = old(before).limit(limit)
    return (await tx.execute(delete(troubles).where(troubles.c.id.in_(going)))).rowcount
