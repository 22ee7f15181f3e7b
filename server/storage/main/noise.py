"""The table noise_filters: which errors nobody wants to hear of, and how often each one applied."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import noise_filters
from server.storage.rows import struct_of


class NoiseFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter. `pattern` is compared with ``TYPE: MESSAGE``; ``*`` stands for any characters."""

    id: int
    pattern: str
    about: str
    enabled: bool
    held_back: int
    last_incident_id: str | None
    last_at: datetime | None


class PatternTaken(ValueError):
    """A filter with this pattern already exists."""


async def everything(tx: AsyncConnection) -> list[NoiseFilter]:
    """Return all filters, oldest first."""
    rows = await tx.execute(select(noise_filters).order_by(noise_filters.c.id))
    return [struct_of(row, NoiseFilter) for row in rows]


async def enabled(tx: AsyncConnection) -> list[NoiseFilter]:
    """Return the filters that are on, oldest first."""
    rows = await tx.execute(
        select(noise_filters).where(noise_filters.c.enabled).order_by(noise_filters.c.id)
    )
    return [struct_of(row, NoiseFilter) for row in rows]


async def get(tx: AsyncConnection, filter_id: int) -> NoiseFilter | None:
    """Return the filter of this id, or None."""
    query = select(noise_filters).where(noise_filters.c.id == filter_id)
    row = (await tx.execute(query)).first()
    return None if row is None else struct_of(row, NoiseFilter)


async def add(tx: AsyncConnection, *, pattern: str, about: str, is_enabled: bool) -> NoiseFilter:
    """Add a filter; raise `PatternTaken`."""
    values = {"pattern": pattern, "about": about, "enabled": is_enabled}
    try:
        rows = await tx.execute(insert(noise_filters).values(values).returning(noise_filters))
    except IntegrityError as error:
        raise PatternTaken from error
    return struct_of(rows.one(), NoiseFilter)


async def change(
    tx: AsyncConnection, filter_id: int, *, pattern: str, about: str, is_enabled: bool
) -> bool:
    """Change a filter, but keep its counts; return whether it exists. Raises `PatternTaken`."""
    try:
        result = await tx.execute(
            update(noise_filters)
            .where(noise_filters.c.id == filter_id)
            .values(pattern=pattern, about=about, enabled=is_enabled)
        )
    except IntegrityError as error:
        raise PatternTaken from error
    return result.rowcount == 1


async def remove(tx: AsyncConnection, filter_id: int) -> bool:
    """Remove a filter; return whether it existed."""
    result = await tx.execute(delete(noise_filters).where(noise_filters.c.id == filter_id))
    return result.rowcount == 1


async def count(tx: AsyncConnection, filter_id: int, incident_id: str, at: int) -> None:
    """Count that nobody was told of a change of this incident because of this filter."""
    await tx.execute(
        update(noise_filters)
        .where(noise_filters.c.id == filter_id)
        .values(held_back=noise_filters.c.held_back + 1, last_incident_id=incident_id, last_at=at)
    )
