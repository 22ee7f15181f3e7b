"""The table joined_issues: which issues joined an incident, and whether people were told of them.

All times are in microseconds.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import joined_issues
from server.storage.rows import struct_of
from shared.incident import Symptom


class JoinedIssue(msgspec.Struct, frozen=True, kw_only=True):
    """One of them; `id` grows in the order of joining."""

    id: int
    exception_type: str
    message: str


async def add(tx: AsyncConnection, incident_id: str, joined: Sequence[Symptom], at: int) -> None:
    """Note that these joined, and that nobody was told yet; one that is known stays as it is."""
    if joined:
        await tx.execute(
            insert(joined_issues).on_conflict_do_nothing(
                index_elements=["incident_id", "fingerprint"]
            ),
            [
                {
                    "incident_id": incident_id,
                    "fingerprint": each.fingerprint,
                    "exception_type": each.exception_type,
                    "message": each.message,
                    "at": at,
                }
                for each in joined
            ],
        )


async def untold(tx: AsyncConnection, incident_id: str) -> list[JoinedIssue]:
    """Return those that nobody was told of, in the order of joining."""
    rows = await tx.execute(
        select(joined_issues)
        .where(joined_issues.c.incident_id == incident_id, joined_issues.c.told_at.is_(None))
        .order_by(joined_issues.c.id)
    )
    return [struct_of(row, JoinedIssue) for row in rows]


async def due(tx: AsyncConnection, *, joined_by: int, told_by: int, limit: int) -> list[str]:
    """Return incidents with issues to be told of, the longest waiting first.

    The first of them joined at `joined_by` or before, and the last that people were told of were
    told at `told_by` or before.
    """
    told = joined_issues.alias()
    last_told = (
        select(func.max(told.c.told_at))
        .where(told.c.incident_id == joined_issues.c.incident_id)
        .scalar_subquery()
    )
    first = func.min(joined_issues.c.at)
    rows = await tx.execute(
        select(joined_issues.c.incident_id)
        .where(joined_issues.c.told_at.is_(None))
        .group_by(joined_issues.c.incident_id)
        .having(first <= joined_by, func.coalesce(last_told, 0) <= told_by)
        .order_by(first)
        .limit(limit)
    )
    return list(rows.scalars())


async def mark_told(tx: AsyncConnection, incident_id: str, at: int) -> None:
    """Note that people were told of all that joined so far, or need not be."""
    await tx.execute(
        update(joined_issues)
        .where(joined_issues.c.incident_id == incident_id, joined_issues.c.told_at.is_(None))
        .values(told_at=at)
    )
