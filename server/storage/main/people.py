"""The table people: who is told of incidents, and of which, and how pages look to them."""

from typing import Literal, get_args

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import people
from server.storage.rows import struct_of

Appearance = Literal["system", "light", "dark"]
"""How pages look; with ``system``, as the browser's system does."""

ByWhichWay = Literal["email", "slack", "off"]
"""How somebody hears that one of their commits is suspected."""

Interval = Literal["daily", "weekly"]
"""How much time a summary covers."""

SummaryChoice = Literal["off", Interval]
"""How often somebody gets a summary by mail."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)

_JSON = ("services", "environments", "working_hours")


class WorkingHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When mails that can wait are sent: on these `days`, from `begin` until `end` (``HH:MM``)."""

    days: list[Day]
    begin: str
    end: str
    time_zone: str


class Person(msgspec.Struct, frozen=True):
    """A person who is told of incidents.

    `min_severity` is the lowest severity that is worth telling. `services` and `environments` are
    those that the person wants to hear of; None means all.
    """

    id: int
    name: str
    email: str | None
    email_incidents: bool
    min_severity: Literal["all", "error", "critical"]
    services: list[str] | None = None
    environments: list[str] | None = None
    my_commits: ByWhichWay = "email"
    working_hours: WorkingHours | None = None
    summary: SummaryChoice = "off"


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What a person can set: the fields of `Person` by the same names."""

    email: str | None
    email_incidents: bool
    min_severity: Literal["all", "error", "critical"]
    services: list[str] | None
    environments: list[str] | None
    my_commits: ByWhichWay = "email"
    working_hours: WorkingHours | None = None
    summary: SummaryChoice = "off"


class AddressTaken(ValueError):
    """Another person has this mail address."""


async def everyone(tx: AsyncConnection) -> list[Person]:
    """Return all people, oldest first."""
    return [_person(row) for row in await tx.execute(select(people).order_by(people.c.id))]


async def admins(tx: AsyncConnection) -> list[Person]:
    """Return those who look after this installation, oldest first."""
    query = select(people).where(people.c.role == "admin").order_by(people.c.id)
    return [_person(row) for row in await tx.execute(query)]


async def get(tx: AsyncConnection, person_id: int) -> Person | None:
    """Return the person of this id, or None."""
    row = (await tx.execute(select(people).where(people.c.id == person_id))).first()
    return None if row is None else _person(row)


async def set_wishes(tx: AsyncConnection, person_id: int, wishes: Wishes) -> bool:
    """Set what this person is told from now on; return whether the person exists.

    Raises `AddressTaken`.
    """
    if wishes.email is not None and await is_taken(tx, wishes.email, by_other_than=person_id):
        raise AddressTaken
    values = msgspec.structs.asdict(wishes)
    for name in _JSON:
        if values[name] is not None:
            values[name] = msgspec.json.encode(values[name])
    result = await tx.execute(update(people).where(people.c.id == person_id).values(**values))
    return result.rowcount == 1


async def is_taken(tx: AsyncConnection, email: str, *, by_other_than: int | None = None) -> bool:
    """Return whether somebody has this mail address, in any case: people sign in with any case."""
    query = select(people.c.id).where(func.lower(people.c.email) == func.lower(email))
    if by_other_than is not None:
        query = query.where(people.c.id != by_other_than)
    return (await tx.execute(query.limit(1))).first() is not None


async def appearance(tx: AsyncConnection, person_id: int) -> Appearance:
    """Return how pages look to this person."""
    chosen: Appearance | None = await tx.scalar(
        select(people.c.appearance).where(people.c.id == person_id)
    )
    return chosen or "system"


async def set_appearance(tx: AsyncConnection, person_id: int, chosen: Appearance) -> None:
    """Set how pages look to this person from now on."""
    await tx.execute(update(people).where(people.c.id == person_id).values(appearance=chosen))


async def make_operator(tx: AsyncConnection) -> None:
    """Create the person who is told before anybody has an account.

    The first account becomes this person's.
    """
    if (await tx.execute(select(people.c.id).limit(1))).first() is None:
        await tx.execute(
            insert(people).values(name="operator", email_incidents=False, min_severity="all")
        )


def _person(row: Row[tuple[object, ...]]) -> Person:
    chosen = {name: row._mapping[name] for name in _JSON}
    decoded = {name: found and msgspec.json.decode(found) for name, found in chosen.items()}
    return struct_of(row, Person, **decoded)
