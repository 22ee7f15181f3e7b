"""The table people: who is told of incidents, and of which."""

from typing import Literal

import msgspec
from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.tables import people


class Person(msgspec.Struct, frozen=True):
    """One who is told. `min_severity` is the least that is worth telling."""

    id: int
    name: str
    email: str | None
    email_incidents: bool
    min_severity: Literal["all", "error", "critical"]


async def everyone(tx: AsyncConnection) -> list[Person]:
    """All people, oldest first."""
    return [_person(row) for row in await tx.execute(select(people).order_by(people.c.id))]


async def make_operator(tx: AsyncConnection) -> None:
    """The one person of an installation where nobody has an account: whoever is on the machine."""
    if (await tx.execute(select(people.c.id).limit(1))).first() is None:
        await tx.execute(
            insert(people).values(name="operator", email_incidents=False, min_severity="all")
        )


def _person(row: Row[tuple[object, ...]]) -> Person:
    return msgspec.convert(row._mapping, Person)
