"""The table incident_users: which users an incident affected, each by a hash and nothing else."""

import hashlib
from collections.abc import Collection, Mapping, Sequence

import msgspec
from sqlalchemy import (
    BigInteger,
    Insert,
    String,
    bindparam,
    cast,
    exists,
    func,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import greater, json_ints
from server.storage.main.tables import incident_users

MAX_USERS = 1_000
"""As many users of an incident are kept. Beyond that, nobody needs to know more than "many"."""

_HASH_BYTES = 8

_encode = msgspec.json.Encoder().encode


def user_hash(user_id: str) -> int:
    """Return what is kept of a user: 8 bytes of BLAKE2, as SQLite's signed integer.

    Among `MAX_USERS`, two of one hash are not to be expected (one in 10^13).
    """
    name = user_id.encode(errors="surrogatepass")
    digest = hashlib.blake2b(name, digest_size=_HASH_BYTES).digest()
    return int.from_bytes(digest, signed=True)


async def add(tx: AsyncConnection, users: Mapping[str, Collection[int]]) -> None:
    """Add the users of each incident, by their hashes; those known already change nothing.

    Of too many, the first ones are kept. So it does not matter how they are cut into batches.
    """
    rows = [
        {"of": incident_id, "users": _encode(list(dict.fromkeys(each))).decode()}
        for incident_id, each in users.items()
        if each
    ]
    if rows:
        await tx.execute(_adding(tx), rows)


def _adding(tx: AsyncConnection) -> Insert:
    """Return the statement that adds the JSON list `users` to the incident `of`.

    A row of its own for each user takes twice as long, and this is done for every batch. What is
    known is left out before the limit, so as to take no room.
    """
    incident_id = bindparam("of", type_=String)
    named = json_ints(tx, bindparam("users", type_=String))
    user = cast(named.c.value, BigInteger)
    this = incident_users.c.incident_id == incident_id
    kept = select(func.count()).where(this).scalar_subquery()
    new = (
        select(incident_id, user)
        .select_from(named)
        .where(~exists().where(this, incident_users.c.user == user))
        .order_by(named.c.key)
        .limit(greater(tx, 0, MAX_USERS - kept))
    )
    return insert(incident_users).from_select(["incident_id", "user"], new)


async def count(tx: AsyncConnection, incident_id: str) -> int:
    """Return how many users of this incident are kept; `MAX_USERS` means that many or more."""
    return (await counts(tx, [incident_id]))[incident_id]


async def counts(tx: AsyncConnection, incident_ids: Sequence[str]) -> dict[str, int]:
    """Return the same for each of these incidents."""
    rows = await tx.execute(
        select(incident_users.c.incident_id, func.count())
        .where(incident_users.c.incident_id.in_(incident_ids))
        .group_by(incident_users.c.incident_id)
    )
    return dict.fromkeys(incident_ids, 0) | {row[0]: row[1] for row in rows}
