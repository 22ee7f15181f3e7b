"""Open incidents that people were told of and nobody acknowledged. All times in microseconds."""

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import incidents
from shared.event import Severity

Step = Literal["reminded", "handed_on"]
"""What was done about it: those who heard of it were reminded, or others were told."""

_DONE_AT = {"reminded": incidents.c.reminded_at, "handed_on": incidents.c.handed_on_at}


async def told(tx: AsyncConnection, incident_id: str, at: int) -> None:
    """Note that people were told that it opened or got worse: waiting begins anew."""
    await tx.execute(
        update(incidents)
        .where(incidents.c.incident_id == incident_id)
        .values(told_at=at, reminded_at=None, handed_on_at=None)
    )


async def due(
    tx: AsyncConnection, step: Step, severity: Severity, told_by: int, limit: int
) -> Sequence[str]:
    """Return incidents of this severity that people were told of at `told_by` or before.

    The longest waiting come first. Those for which `step` was done are left out.
    """
    rows = await tx.scalars(
        select(incidents.c.incident_id)
        .where(
            incidents.c.told_at.is_not(None),
            incidents.c.ended_at.is_(None),
            incidents.c.acknowledged_at.is_(None),
            incidents.c.told_at <= told_by,
            incidents.c.severity == severity,
            _DONE_AT[step].is_(None),
        )
        .order_by(incidents.c.told_at)
        .limit(limit)
    )
    return rows.all()


async def done(tx: AsyncConnection, incident_id: str, step: Step, at: int) -> None:
    """Note that this was done about it."""
    await tx.execute(
        update(incidents).where(incidents.c.incident_id == incident_id).values({_DONE_AT[step]: at})
    )


async def told_since(tx: AsyncConnection, incident_id: str) -> int | None:
    """Return since when people know of the incident as it is, or None if nobody was told."""
    since: int | None = await tx.scalar(
        select(incidents.c.told_at).where(incidents.c.incident_id == incident_id)
    )
    return since
