"""The table people, seen as accounts: the people who sign in, with roles and passwords."""

from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main import notification_routes
from server.storage.main.people import AddressTaken, is_taken
from server.storage.main.tables import commit_authors, not_told, notifications, people
from server.storage.rows import struct_of

Role = Literal["admin", "member"]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person who can sign in."""

    id: int
    name: str
    email: str
    role: Role


class LastAdmin(ValueError):
    """Nobody would be left who may invite and remove people."""


async def exist(tx: AsyncConnection) -> bool:
    """Return whether anybody can sign in."""
    return (await tx.execute(select(people.c.id).where(_signs_in()).limit(1))).first() is not None


async def everyone(tx: AsyncConnection) -> list[Account]:
    """Return all accounts, oldest first."""
    rows = await tx.execute(_accounts().order_by(people.c.id))
    return [struct_of(row, Account) for row in rows]


async def get(tx: AsyncConnection, person_id: int) -> Account | None:
    """Return the account of this person, or None."""
    row = (await tx.execute(_accounts().where(people.c.id == person_id))).first()
    return None if row is None else struct_of(row, Account)


async def by_email(tx: AsyncConnection, email: str) -> Account | None:
    """Return the account of this mail address, in whatever case it is written."""
    query = _accounts().where(func.lower(people.c.email) == func.lower(email)).order_by(people.c.id)
    row = (await tx.execute(query.limit(1))).first()
    return None if row is None else struct_of(row, Account)


async def password_hash(tx: AsyncConnection, person_id: int) -> str | None:
    """Return the hash that this person's password is compared with."""
    hashed: str | None = await tx.scalar(
        select(people.c.password_hash).where(people.c.id == person_id)
    )
    return hashed


async def set_password(tx: AsyncConnection, person_id: int, hashed: str) -> None:
    """Set the hash of the password with which this person signs in from now on."""
    await tx.execute(update(people).where(people.c.id == person_id).values(password_hash=hashed))


async def add_first(tx: AsyncConnection, *, name: str, email: str, hashed: str) -> int | None:
    """Add the first account and return its id, or None if somebody else was faster.

    The account takes over what was set before there was any.
    """
    if await exist(tx):
        return None
    values = {"name": name, "email": email, "password_hash": hashed, "role": "admin"}
    query = select(people.c.id, people.c.email).order_by(people.c.id).limit(1)
    operator = (await tx.execute(query)).first()
    if operator is None:
        return await _insert(tx, values)
    changed = update(people).where(people.c.id == operator.id).values(**values)
    if operator.email is None:
        # Until now there was no address to mail to. Somebody who gives one has said what it is for.
        changed = changed.values(email_incidents=True)
    await tx.execute(changed)
    first: int = operator.id
    return first


async def add(tx: AsyncConnection, *, name: str, email: str, role: Role, hashed: str) -> int:
    """Add an account and return its id; raise `AddressTaken`."""
    if await is_taken(tx, email):
        raise AddressTaken
    return await _insert(tx, {"name": name, "email": email, "password_hash": hashed, "role": role})


async def set_role(tx: AsyncConnection, person_id: int, role: Role) -> bool:
    """Set the role and return whether there is such an account; raise `LastAdmin`."""
    if role != "admin":
        await _keep_an_admin(tx, person_id)
    result = await tx.execute(
        update(people).where(people.c.id == person_id, _signs_in()).values(role=role)
    )
    return result.rowcount == 1


async def rename(tx: AsyncConnection, person_id: int, name: str) -> None:
    """Change the name that the others see."""
    await tx.execute(update(people).where(people.c.id == person_id).values(name=name))


async def remove(tx: AsyncConnection, person_id: int) -> bool:
    """Remove the account with its bell, sessions and tokens; return whether there was one.

    Raises `LastAdmin`.
    """
    await _keep_an_admin(tx, person_id)
    if await get(tx, person_id) is None:
        return False
    for table in (notifications, not_told):
        await tx.execute(delete(table).where(table.c.person_id == person_id))
    await notification_routes.forget_person(tx, person_id)
    theirs = commit_authors.c.person_id == person_id
    await tx.execute(update(commit_authors).where(theirs).values(person_id=None, by_hand=False))
    await tx.execute(delete(people).where(people.c.id == person_id))
    return True


async def _keep_an_admin(tx: AsyncConnection, without: int) -> None:
    others = await tx.scalar(
        select(func.count())
        .select_from(people)
        .where(people.c.role == "admin", people.c.id != without, _signs_in())
    )
    if not others:
        raise LastAdmin


async def _insert(tx: AsyncConnection, values: dict[str, str]) -> int:
    try:
        result = await tx.execute(
            insert(people)
            .values(**values, email_incidents=True, min_severity="all")
            .returning(people.c.id)
        )
    except IntegrityError as error:
        raise AddressTaken from error
    added: int = result.scalar_one()
    return added


def _accounts() -> Select[tuple[int, str, str, str]]:
    return select(people.c.id, people.c.name, people.c.email, people.c.role).where(_signs_in())


def _signs_in() -> ColumnElement[bool]:
    return people.c.password_hash.is_not(None) & people.c.email.is_not(None)
