"""The table notifications: the bell of each person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import incidents, notifications, people, troubles
from server.storage.main.troubles import Trouble
from server.storage.rows import struct_of
from shared.event import Severity
from shared.incident import Trigger


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One person was told of one change of an incident, or of a trouble of PushLog.

    `id` grows in the order of telling. Severity, service, environment and trigger are those of the
    incident as it is now. A trouble has a severity only.
    """

    id: int
    person_id: int
    incident_id: str | None
    trouble_id: int | None
    change: str
    title: str
    created_at: datetime
    read_at: datetime | None
    severity: Severity
    service: str | None
    environment: str | None
    trigger: Trigger | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The change of an incident that people are told about; `at` in microseconds."""

    incident_id: str
    seq: int
    change: str
    title: str
    at: int


async def add(tx: AsyncConnection, told: Change, person_ids: Sequence[int]) -> None:
    """Tell these people. Telling the same change twice breaks the table's unique key."""
    if not person_ids:
        return
    about = {
        "incident_id": told.incident_id,
        "seq": told.seq,
        "change": told.change,
        "title": told.title,
        "created_at": told.at,
    }
    await tx.execute(insert(notifications), [about | {"person_id": each} for each in person_ids])


async def add_instead(tx: AsyncConnection, told: Change, person_ids: Sequence[int]) -> None:
    """Tell these people, instead of what they were told of this kind of change before.

    So the bell has one entry of it for an incident, which is unread again and the newest.
    """
    of_before = and_(
        notifications.c.incident_id == told.incident_id,
        notifications.c.change == told.change,
        notifications.c.person_id.in_(person_ids),
    )
    before = list(await tx.scalars(select(notifications.c.id).where(of_before)))
    # The new ones first: SQLite would give the newest id again, which streams have passed.
    await add(tx, told, person_ids)
    await tx.execute(delete(notifications).where(notifications.c.id.in_(before)))


async def add_trouble(
    tx: AsyncConnection, told: Trouble, change: str, at: int, person_ids: Sequence[int]
) -> None:
    """Tell these people that a trouble was ``opened`` or has ``ended``; `at` in microseconds."""
    if not person_ids:
        return
    about = {
        "trouble_id": told.id,
        "seq": 0,
        "change": change,
        "title": told.title,
        "created_at": at,
    }
    await tx.execute(insert(notifications), [about | {"person_id": each} for each in person_ids])


async def people_told(tx: AsyncConnection, incident_id: str) -> frozenset[int]:
    """Return who was told of this incident."""
    rows = await tx.execute(
        select(notifications.c.person_id)
        .where(notifications.c.incident_id == incident_id)
        .distinct()
    )
    return frozenset(rows.scalars())


class Bell(msgspec.Struct, frozen=True):
    """The bell of one person, given by name, rang because of this change of an incident."""

    change: str
    created_at: datetime
    name: str


async def of_incident(tx: AsyncConnection, incident_id: str, limit: int) -> list[Bell]:
    """Return whose bells rang because of this incident, the newest `limit`, oldest first."""
    rows = await tx.execute(
        select(notifications.c.change, notifications.c.created_at, people.c.name)
        .join(people, people.c.id == notifications.c.person_id)
        .where(notifications.c.incident_id == incident_id)
        .order_by(notifications.c.id.desc())
        .limit(limit)
    )
    return [struct_of(row, Bell) for row in rows][::-1]


async def newest(
    tx: AsyncConnection, person_id: int, limit: int, before: int | None = None
) -> list[Notification]:
    """Return this person's notifications, newest first; `before` keeps only those older than it."""
    query = _told().where(notifications.c.person_id == person_id)
    if before is not None:
        query = query.where(notifications.c.id < before)
    rows = await tx.execute(query.order_by(notifications.c.id.desc()).limit(limit))
    return [struct_of(row, Notification) for row in rows]


async def newer_than(
    tx: AsyncConnection, person_id: int, after: int, limit: int
) -> list[Notification]:
    """Return this person's notifications after the id `after`, oldest first."""
    rows = await tx.execute(
        _told()
        .where(notifications.c.person_id == person_id, notifications.c.id > after)
        .order_by(notifications.c.id)
        .limit(limit)
    )
    return [struct_of(row, Notification) for row in rows]


async def newest_id(tx: AsyncConnection, person_id: int) -> int:
    """Return the id of this person's newest notification, or 0 if there is none."""
    newest = await tx.scalar(
        select(func.max(notifications.c.id)).where(notifications.c.person_id == person_id)
    )
    return newest or 0


async def newest_of_all(tx: AsyncConnection) -> int:
    """Return the newest notification of anybody, or 0."""
    return await tx.scalar(select(func.max(notifications.c.id))) or 0


async def people_rung(tx: AsyncConnection, after: int) -> list[int]:
    """Return the people who have notifications beyond `after`."""
    query = select(notifications.c.person_id).where(notifications.c.id > after).distinct()
    return list(await tx.scalars(query))


async def unread_count(tx: AsyncConnection, person_id: int) -> int:
    """Return how many of this person's notifications are unread."""
    count = await tx.scalar(
        select(func.count())
        .select_from(notifications)
        .where(notifications.c.person_id == person_id, notifications.c.read_at.is_(None))
    )
    return count or 0


async def mark_read(tx: AsyncConnection, person_id: int, notification_id: int, at: int) -> bool:
    """Mark it as read, from now or from when it first was; return whether this person has it."""
    result = await tx.execute(
        update(notifications)
        .where(notifications.c.id == notification_id, notifications.c.person_id == person_id)
        .values(read_at=func.coalesce(notifications.c.read_at, at))
    )
    return result.rowcount == 1


async def mark_all_read(tx: AsyncConnection, person_id: int, up_to: int, at: int) -> int:
    """Mark all up to the id `up_to` as read; return how many were unread.

    Later notifications were not seen yet.
    """
    result = await tx.execute(
        update(notifications)
        .where(
            notifications.c.person_id == person_id,
            notifications.c.id <= up_to,
            notifications.c.read_at.is_(None),
        )
        .values(read_at=at)
    )
    return result.rowcount


def _told() -> Select[tuple[Any, ...]]:
    severity: ColumnElement[str] = func.coalesce(incidents.c.severity, troubles.c.severity)
    return (
        select(
            notifications,
            severity.label("severity"),
            incidents.c.service,
            incidents.c.environment,
            incidents.c.trigger,
        )
        .outerjoin(incidents, incidents.c.incident_id == notifications.c.incident_id)
        .outerjoin(troubles, troubles.c.id == notifications.c.trouble_id)
    )
