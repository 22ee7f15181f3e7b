"""The table waiting_incidents: of which nobody was told yet, and until when. Times are in µs."""

from collections.abc import Collection
from itertools import islice

import msgspec
from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import (
    incident_users,
    incidents,
    waiting_incidents,
)
from server.storage.rows import struct_of


class _Counted(msgspec.Struct):
    """The part of an incident that is needed here."""

    event_count: int = 1


_decode = msgspec.json.Decoder(_Counted).decode


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """What an incident waits for: one of these."""

    events: int | None = None
    users: int | None = None
    until: int | None = None


async def add(tx: AsyncConnection, incident_id: str, wait: Wait) -> None:
    """Let this incident wait; one that waits already goes on to wait for the same."""
    await tx.execute(
        insert(waiting_incidents)
        .on_conflict_do_nothing()
        .values(incident_id=incident_id, **msgspec.structs.asdict(wait))
    )


async def end(tx: AsyncConnection, incident_id: str) -> Wait | None:
    """Let this incident wait no longer; return what it waited for, if it did."""
    of_id = waiting_incidents.c.incident_id == incident_id
    rows = await tx.execute(delete(waiting_incidents).where(of_id).returning(*waiting_incidents.c))
    row = rows.first()
    return None if row is None else struct_of(row, Wait)


async def end_counting(tx: AsyncConnection, incident_id: str) -> None:
    """End the wait of an incident that has ended, unless it is for a time: what counts is over."""
    await tx.execute(
        delete(waiting_incidents).where(
            waiting_incidents.c.incident_id == incident_id, waiting_incidents.c.until.is_(None)
        )
    )


async def among(tx: AsyncConnection, incident_ids: Collection[str]) -> frozenset[str]:
    """Return which of these wait."""
    if not incident_ids:
        return frozenset()
    waiting = waiting_incidents.c.incident_id
    return frozenset(await tx.scalars(select(waiting).where(waiting.in_(incident_ids))))


async def due(tx: AsyncConnection, now: int, limit: int) -> list[str]:
    """Return those of which people are to be told now, the oldest first."""
    waiting = waiting_incidents.c
    users = (
        select(func.count())
        .where(incident_users.c.incident_id == waiting.incident_id)
        .scalar_subquery()
    )
    rows = await tx.execute(
        select(waiting_incidents, incidents.c.summary, users.label("counted"))
        .join(incidents, incidents.c.incident_id == waiting.incident_id)
        .where(or_(waiting.until.is_(None), waiting.until <= now))
        .order_by(incidents.c.opened_seq)
    )
    due = (
        row.incident_id
        for row in rows
        if row.until is not None
        or (row.events is not None and _decode(row.summary).event_count >= row.events)
        or (row.users is not None and row.counted >= row.users)
    )
    return list(islice(due, limit))
