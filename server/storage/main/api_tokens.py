"""The table api_tokens: programs that use the API as a person."""

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.accounts import Role
from server.storage.main.tables import api_tokens, people
from server.storage.rows import struct_of

Scope = Literal["read", "write"]
"""What a token is for: to look, or also to change things."""

USED_EVERY_US = 3_600_000_000
"""How old `used_at` may become before a request writes it again."""


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """One token, without its secret. `ending` is the end of the secret, to recognize it by."""

    id: int
    name: str
    ending: str
    scope: Scope
    created_at: datetime
    used_at: datetime | None


class Granted(msgspec.Struct, frozen=True):
    """The person that a token's secret stands for. If `stale`, `touch` should record the use."""

    token_id: int
    person_id: int
    role: Role
    scope: Scope
    stale: bool


async def add(
    tx: AsyncConnection,
    *,
    digest: bytes,
    person_id: int,
    name: str,
    ending: str,
    scope: Scope,
    at: int,
) -> int:
    """Add a token and return its id."""
    result = await tx.execute(
        insert(api_tokens)
        .values(
            digest=digest,
            person_id=person_id,
            name=name,
            ending=ending,
            scope=scope,
            created_at=at,
        )
        .returning(api_tokens.c.id)
    )
    added: int = result.scalar_one()
    return added


async def whose(tx: AsyncConnection, digest: bytes, now: int) -> Granted | None:
    """Return the token of this digest."""
    query = (
        select(
            api_tokens.c.id,
            api_tokens.c.used_at,
            api_tokens.c.scope,
            people.c.id.label("person_id"),
            people.c.role,
        )
        .join(people, people.c.id == api_tokens.c.person_id)
        .where(api_tokens.c.digest == digest)
    )
    row = (await tx.execute(query)).first()
    if row is None:
        return None
    stale = row.used_at is None or row.used_at < now - USED_EVERY_US
    return Granted(row.id, row.person_id, row.role, row.scope, stale)


async def touch(tx: AsyncConnection, token_id: int, at: int) -> None:
    """Record that the token was used."""
    await tx.execute(update(api_tokens).where(api_tokens.c.id == token_id).values(used_at=at))


async def of_person(tx: AsyncConnection, person_id: int) -> list[ApiToken]:
    """Return this person's tokens, oldest first."""
    rows = await tx.execute(
        select(api_tokens).where(api_tokens.c.person_id == person_id).order_by(api_tokens.c.id)
    )
    return [struct_of(row, ApiToken) for row in rows]


async def revoke(tx: AsyncConnection, person_id: int, token_id: int) -> bool:
    """Revoke this person's token; return whether there was such a token."""
    result = await tx.execute(
        delete(api_tokens).where(api_tokens.c.id == token_id, api_tokens.c.person_id == person_id)
    )
    return result.rowcount == 1
