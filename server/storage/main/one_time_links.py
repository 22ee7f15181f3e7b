"""The table one_time_links: invitations and password resets."""

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.accounts import Role
from server.storage.main.tables import one_time_links
from server.storage.rows import struct_of

Purpose = Literal["invitation", "reset"]

LIFE_US: dict[Purpose, int] = {"invitation": 7 * 86_400_000_000, "reset": 3_600_000_000}
"""How long a link works: a week for an invitation, an hour to change a password."""


class OneTimeLink(msgspec.Struct, frozen=True, kw_only=True):
    """An unused link, without its secret."""

    id: int
    email: str
    role: Role | None
    person_id: int | None
    expires_at: datetime


async def add(
    tx: AsyncConnection,
    *,
    digest: bytes,
    purpose: Purpose,
    email: str,
    at: int,
    role: Role | None = None,
    person_id: int | None = None,
) -> None:
    """Add a link; an earlier link to the same address for the same purpose stops working."""
    expired = one_time_links.c.expires_at < at
    same = (one_time_links.c.purpose == purpose) & (one_time_links.c.email == email)
    await tx.execute(delete(one_time_links).where(expired | same))
    await tx.execute(
        insert(one_time_links).values(
            digest=digest,
            purpose=purpose,
            email=email,
            role=role,
            person_id=person_id,
            created_at=at,
            expires_at=at + LIFE_US[purpose],
        )
    )


async def find(
    tx: AsyncConnection, digest: bytes, purpose: Purpose, now: int
) -> OneTimeLink | None:
    """Return the link of this digest, if it still works."""
    query = select(one_time_links).where(
        one_time_links.c.digest == digest,
        one_time_links.c.purpose == purpose,
        one_time_links.c.expires_at >= now,
    )
    row = (await tx.execute(query)).first()
    return None if row is None else struct_of(row, OneTimeLink)


async def invitations(tx: AsyncConnection, now: int) -> list[OneTimeLink]:
    """Return the invitations that nobody has used yet, oldest first."""
    query = (
        select(one_time_links)
        .where(one_time_links.c.purpose == "invitation", one_time_links.c.expires_at >= now)
        .order_by(one_time_links.c.id)
    )
    return [struct_of(row, OneTimeLink) for row in await tx.execute(query)]


async def remove(tx: AsyncConnection, link_id: int, purpose: Purpose) -> bool:
    """Remove the link, so that it stops working; return whether it existed."""
    result = await tx.execute(
        delete(one_time_links).where(
            one_time_links.c.id == link_id, one_time_links.c.purpose == purpose
        )
    )
    return result.rowcount == 1
