"""The table not_told: why somebody was not told of a change of an incident, as it was then.

Settings and noise filters change, so those in effect at the time are kept with the incident.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import incidents, not_told, people
from server.storage.rows import struct_of

Reason = Literal[
    "below_severity",
    "noise_filter",
    "below_own_severity",
    "service_not_chosen",
    "environment_not_chosen",
    "no_address",
    "mail_not_wanted",
    "told_as_push",
    "route_waits",
    "route_never",
    "route_names_others",
]
Way = Literal["any", "email", "slack", "webhook", "apprise"]


class NotTold(msgspec.Struct, frozen=True, kw_only=True):
    """States that `person_id` (None: nobody) was not told by `way`, and why.

    `detail` is what stood in the way: the severity that was asked for, or the filter's pattern.
    """

    person_id: int | None = None
    way: Way
    reason: Reason
    detail: str | None = None


class KeptFrom(msgspec.Struct, frozen=True, kw_only=True):
    """A `NotTold` with the change of the incident and the person's name."""

    at: datetime
    change: str
    person: str | None
    way: Way
    reason: Reason
    detail: str | None


class KeptFromIncident(KeptFrom, frozen=True, kw_only=True):
    """A `KeptFrom` with its incident."""

    id: int
    incident_id: str
    title: str
    service: str
    environment: str


class NotToldFilter(msgspec.Struct, frozen=True):
    """What is looked for: of a person by name, of an incident; None does not filter."""

    person: str | None = None
    incident_id: str | None = None


async def add(
    tx: AsyncConnection,
    incident_id: str,
    seq: int,
    change: str,
    at: int,
    found: Sequence[NotTold],
) -> None:
    """Keep why these people were not told of the change that the entry at `seq` caused."""
    if not found:
        return
    about = {"incident_id": incident_id, "seq": seq, "change": change, "at": at}
    await tx.execute(insert(not_told), [about | msgspec.structs.asdict(each) for each in found])


async def of_incident(tx: AsyncConnection, incident_id: str, limit: int) -> list[KeptFrom]:
    """Return who was not told of this incident: the newest `limit`, oldest first."""
    rows = await tx.execute(
        select(not_told, people.c.name)
        .join(people, people.c.id == not_told.c.person_id, isouter=True)
        .where(not_told.c.incident_id == incident_id)
        .order_by(not_told.c.id.desc())
        .limit(limit)
    )
    return [struct_of(row, KeptFrom, person=row.name) for row in rows][::-1]


async def newest(
    tx: AsyncConnection, wanted: NotToldFilter, limit: int, before: int | None = None
) -> list[KeptFromIncident]:
    """Return who was not told, newest first; with `before`, only what is older than that id."""
    query = (
        select(
            not_told, people.c.name, incidents.c.title, incidents.c.service, incidents.c.environment
        )
        .join(incidents, incidents.c.incident_id == not_told.c.incident_id)
        .join(people, people.c.id == not_told.c.person_id, isouter=True)
    )
    if wanted.person is not None:
        query = query.where(people.c.name == wanted.person)
    if wanted.incident_id is not None:
        query = query.where(not_told.c.incident_id == wanted.incident_id)
    if before is not None:
        query = query.where(not_told.c.id < before)
    rows = await tx.execute(query.order_by(not_told.c.id.desc()).limit(limit))
    return [struct_of(row, KeptFromIncident, person=row.name) for row in rows]
