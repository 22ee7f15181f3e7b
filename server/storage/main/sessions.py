"""The table sessions: browsers that are signed in."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.accounts import Role
from server.storage.main.tables import people, sessions
from server.storage.rows import struct_of

LIFE_US = 30 * 86_400_000_000
"""A browser that was away for this long has to sign in again."""
SEEN_EVERY_US = 3_600_000_000
"""How old `seen_at` may become before a request writes it again: not each one costs a write."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One browser: where it signed in from, and what it says it is."""

    id: int
    created_at: datetime
    seen_at: datetime
    address: str
    agent: str


class Signed(msgspec.Struct, frozen=True):
    """The person that a session's secret stands for. If `stale`, `touch` should note the visit."""

    session_id: int
    person_id: int
    role: Role
    stale: bool


async def add(
    tx: AsyncConnection, *, digest: bytes, person_id: int, address: str, agent: str, at: int
) -> int:
    """Add a session and return its id; clear away expired sessions."""
    await tx.execute(delete(sessions).where(sessions.c.seen_at < at - LIFE_US))
    result = await tx.execute(
        insert(sessions)
        .values(
            digest=digest,
            person_id=person_id,
            created_at=at,
            seen_at=at,
            address=address,
            agent=agent,
        )
        .returning(sessions.c.id)
    )
    added: int = result.scalar_one()
    return added


async def whose(tx: AsyncConnection, digest: bytes, now: int) -> Signed | None:
    """Return the session of this digest, unless it has expired."""
    query = (
        select(sessions.c.id, sessions.c.seen_at, people.c.id.label("person_id"), people.c.role)
        .join(people, people.c.id == sessions.c.person_id)
        .where(sessions.c.digest == digest, sessions.c.seen_at >= now - LIFE_US)
    )
    row = (await tx.execute(query)).first()
    if row is None:
        return None
    return Signed(row.id, row.person_id, row.role, row.seen_at < now - SEEN_EVERY_US)


async def touch(tx: AsyncConnection, session_id: int, at: int) -> None:
    """Record that the session was seen, which renews its lifetime."""
    await tx.execute(update(sessions).where(sessions.c.id == session_id).values(seen_at=at))


async def of_person(tx: AsyncConnection, person_id: int, now: int) -> list[Session]:
    """Return this person's sessions, the one seen last first."""
    rows = await tx.execute(
        select(sessions)
        .where(sessions.c.person_id == person_id, sessions.c.seen_at >= now - LIFE_US)
        .order_by(sessions.c.seen_at.desc(), sessions.c.id.desc())
    )
    return [struct_of(row, Session) for row in rows]


async def end(tx: AsyncConnection, person_id: int, session_id: int) -> bool:
    """End this person's session; return whether there was such a session."""
    result = await tx.execute(
        delete(sessions).where(sessions.c.id == session_id, sessions.c.person_id == person_id)
    )
    return result.rowcount == 1


async def end_all(tx: AsyncConnection, person_id: int, but: int | None = None) -> int:
    """End this person's sessions except `but`; return how many ended."""
    ended = delete(sessions).where(sessions.c.person_id == person_id)
    if but is not None:
        ended = ended.where(sessions.c.id != but)
    return (await tx.execute(ended)).rowcount
