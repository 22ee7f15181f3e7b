"""The table silences: of what nobody is notified, who wanted that, until when, and how often.

The engine applies them. This is what people see of it, and it outlives the incidents themselves.
"""

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert as upsert
from server.storage.main.tables import silences
from server.storage.rows import struct_of
from server.storage.times import to_micros


class NewSilence(msgspec.Struct, frozen=True, kw_only=True):
    """A silence of the issues of this incident, which said so much about itself.

    `until` is None for good.
    """

    incident_id: str
    title: str
    service: str
    environment: str
    by: str
    reason: str
    at: datetime
    until: datetime | None


class Silenced(NewSilence, frozen=True, kw_only=True):
    """A silence in force: it held back `held_back` alarms, the last at `last_at`."""

    held_back: int
    last_at: datetime | None


async def put(tx: AsyncConnection, new: NewSilence) -> None:
    """Add the silence, instead of an earlier one of the same incident."""
    values = msgspec.structs.asdict(new) | {
        "at": to_micros(new.at),
        "until": None if new.until is None else to_micros(new.until),
        "held_back": 0,
        "last_at": None,
    }
    query = upsert(silences).values(values)
    await tx.execute(query.on_conflict_do_update(index_elements=["incident_id"], set_=values))


async def remove(tx: AsyncConnection, incident_id: str) -> None:
    """Remove the silence of this incident, if there is one."""
    await tx.execute(delete(silences).where(silences.c.incident_id == incident_id))


async def of_incident(tx: AsyncConnection, incident_id: str, now: int) -> Silenced | None:
    """Return the silence that is in force for the issues of this incident, or None."""
    query = select(silences).where(silences.c.incident_id == incident_id, _in_force(now))
    row = (await tx.execute(query)).first()
    return None if row is None else struct_of(row, Silenced)


async def in_force(tx: AsyncConnection, now: int) -> list[Silenced]:
    """Return all silences in force, newest first."""
    rows = await tx.execute(
        select(silences)
        .where(_in_force(now))
        .order_by(silences.c.at.desc(), silences.c.incident_id)
    )
    return [struct_of(row, Silenced) for row in rows]


async def count(tx: AsyncConnection, incident_id: str, alarms: int, at: int) -> None:
    """Count that these alarms of the issues of this incident were held back."""
    await tx.execute(
        update(silences)
        .where(silences.c.incident_id == incident_id)
        .values(held_back=silences.c.held_back + alarms, last_at=at)
    )


def _in_force(now: int) -> ColumnElement[bool]:
    return or_(silences.c.until.is_(None), silences.c.until > now)
