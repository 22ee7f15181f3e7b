"""The table noise_filters: which errors nobody wants to hear of, and how often each one applied."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import noise_filters
from server.storage.rows import struct_of
from server.storage.times import to_micros

SUGGESTED = (
    ("ResizeObserver loop*", "A browser that draws one frame later; nothing is broken."),
    ("*Script error.", "A script of another site, of which the browser tells nothing."),
    ("*Non-Error promise rejection captured*", "Mostly extensions and crawlers."),
    ("*AbortError*", "A request that the page itself gave up, as when somebody leaves it."),
    ("*chrome-extension://*", "An extension of the visitor's browser."),
)
"""The patterns that a new database brings along, all off, and what each is about. In SQLite, a
migration adds them.
"""


class FilterValues(msgspec.Struct, frozen=True, kw_only=True):
    """What people say about a filter.

    `pattern` is compared with ``TYPE: MESSAGE``; ``*`` stands for any characters. `service` and
    `environment` are patterns too, and match all if they are empty. After `until`, the filter is
    off; None means that it does not end.
    """

    pattern: str
    service: str = ""
    environment: str = ""
    until: datetime | None = None
    about: str = ""
    enabled: bool = True


class NoiseFilter(FilterValues, frozen=True, kw_only=True):
    """A filter, who made it (empty if PushLog did), and what it held back."""

    id: int
    made_by: str
    held_back: int
    last_incident_id: str | None
    last_at: datetime | None


class FilterExists(ValueError):
    """There is a filter with this pattern for this service and environment."""


async def everything(tx: AsyncConnection) -> list[NoiseFilter]:
    """Return all filters, oldest first."""
    rows = await tx.execute(select(noise_filters).order_by(noise_filters.c.id))
    return [struct_of(row, NoiseFilter) for row in rows]


async def in_force(tx: AsyncConnection, now: int) -> list[NoiseFilter]:
    """Return the filters that are on and have not ended, oldest first."""
    rows = await tx.execute(
        select(noise_filters)
        .where(
            noise_filters.c.enabled,
            or_(noise_filters.c.until.is_(None), noise_filters.c.until > now),
        )
        .order_by(noise_filters.c.id)
    )
    return [struct_of(row, NoiseFilter) for row in rows]


async def get(tx: AsyncConnection, filter_id: int) -> NoiseFilter | None:
    """Return the filter of this id, or None."""
    query = select(noise_filters).where(noise_filters.c.id == filter_id)
    row = (await tx.execute(query)).first()
    return None if row is None else struct_of(row, NoiseFilter)


async def add(tx: AsyncConnection, values: FilterValues, made_by: str) -> NoiseFilter:
    """Add a filter; raise `FilterExists`."""
    columns = {**_columns(values), "made_by": made_by}
    try:
        rows = await tx.execute(insert(noise_filters).values(columns).returning(noise_filters))
    except IntegrityError as error:
        raise FilterExists from error
    return struct_of(rows.one(), NoiseFilter)


async def change(tx: AsyncConnection, filter_id: int, values: FilterValues) -> bool:
    """Change a filter, but keep its counts; return whether it exists. Raises `FilterExists`."""
    changed = update(noise_filters).where(noise_filters.c.id == filter_id)
    try:
        result = await tx.execute(changed.values(_columns(values)))
    except IntegrityError as error:
        raise FilterExists from error
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


def _columns(values: FilterValues) -> dict[str, object]:
    until = None if values.until is None else to_micros(values.until)
    return {**msgspec.structs.asdict(values), "until": until}
