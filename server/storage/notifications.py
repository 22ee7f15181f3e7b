"""The table notifications: the bell of each person."""

from datetime import datetime

import msgspec
from sqlalchemy import Row, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.tables import notifications
from server.storage.times import from_micros


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """That one person is told of one change of one incident; `id` grows in the order of telling."""

    id: int
    person_id: int
    incident_id: str
    change: str
    title: str
    created_at: datetime
    read_at: datetime | None


async def add(
    tx: AsyncConnection,
    *,
    person_id: int,
    incident_id: str,
    seq: int,
    change: str,
    title: str,
    created_at: int,
) -> None:
    """Tell this person; a second telling of the same change breaks the table's unique key."""
    await tx.execute(
        insert(notifications).values(
            person_id=person_id,
            incident_id=incident_id,
            seq=seq,
            change=change,
            title=title,
            created_at=created_at,
        )
    )


def _notification(row: Row[tuple[object, ...]]) -> Notification:
    values = row._asdict()
    return Notification(
        id=values["id"],
        person_id=values["person_id"],
        incident_id=values["incident_id"],
        change=values["change"],
        title=values["title"],
        created_at=from_micros(values["created_at"]),
        read_at=None if values["read_at"] is None else from_micros(values["read_at"]),
    )
