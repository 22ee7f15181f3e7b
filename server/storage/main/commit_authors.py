"""The table commit_authors: who writes commits, by address, and which person that is.

Addresses and logins are in lower case. All times are in microseconds.
"""

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import commit_authors
from server.storage.rows import struct_of
from shared.event import Commit

_NOREPLY = re.compile(r"(?:\d+\+)?([^@+]+)@users\.noreply\.github\.com")
"""GitHub's addresses for those who hide theirs; the older ones have no number."""


class CommitAuthor(msgspec.Struct, frozen=True, kw_only=True):
    """One address that commits come from.

    `login` is the author's name at GitHub. If `by_hand`, an admin said which person it is: that of
    `person_id`, or nobody.
    """

    address: str
    login: str | None
    name: str
    person_id: int | None
    by_hand: bool
    seen_at: datetime


def address_of(commit: Commit) -> str | None:
    """Return the address of the commit's author as it is kept here."""
    return commit.author_email.strip().lower() or None if commit.author_email else None


def login_of(commit: Commit) -> str | None:
    """Return the author's name at GitHub: as GitHub says it, or by the address that hides one."""
    if commit.author_login:
        return commit.author_login.lower()
    hidden = _NOREPLY.fullmatch(address_of(commit) or "")
    return hidden[1] if hidden else None


async def note(tx: AsyncConnection, commits: Iterable[Commit], at: int) -> None:
    """Keep the authors of these commits; what is known of one stays."""
    seen = {
        address: {
            "address": address,
            "login": login_of(each),
            "name": each.author or "",
            "seen_at": at,
        }
        for each in commits
        if (address := address_of(each)) is not None
    }
    if not seen:
        return
    adding = insert(commit_authors)
    await tx.execute(
        adding.on_conflict_do_update(
            index_elements=["address"],
            set_={
                "login": adding.excluded.login,
                "name": adding.excluded.name,
                "seen_at": adding.excluded.seen_at,
            },
        ),
        [*seen.values()],
    )


async def newest(tx: AsyncConnection, limit: int) -> list[CommitAuthor]:
    """Return those who were seen last, the latest first."""
    rows = await tx.execute(
        select(commit_authors)
        .order_by(commit_authors.c.seen_at.desc(), commit_authors.c.address)
        .limit(limit)
    )
    return [struct_of(row, CommitAuthor) for row in rows]


async def like(tx: AsyncConnection, address: str | None, login: str | None) -> list[CommitAuthor]:
    """Return the authors of this address, and those of this name at GitHub."""
    rows = await tx.execute(
        select(commit_authors).where(
            or_(
                commit_authors.c.address == (address or ""),
                commit_authors.c.login == (login or ""),
            )
        )
    )
    return [struct_of(row, CommitAuthor) for row in rows]


async def assign(tx: AsyncConnection, address: str, person_id: int | None) -> bool:
    """Say that commits from `address` are this person's, or nobody's.

    Return whether the address is known.
    """
    result = await tx.execute(
        update(commit_authors)
        .where(commit_authors.c.address == address.lower())
        .values(person_id=person_id, by_hand=True)
    )
    return result.rowcount == 1


async def leave_to_addresses(tx: AsyncConnection, address: str) -> bool:
    """Take back what was said by `assign`; return whether the address is known."""
    result = await tx.execute(
        update(commit_authors)
        .where(commit_authors.c.address == address.lower())
        .values(person_id=None, by_hand=False)
    )
    return result.rowcount == 1


def old(before: int) -> Select[tuple[str]]:
    """Return the query of those not seen since `before`, of whom nobody said who they are."""
    return (
        select(commit_authors.c.address)
        .where(commit_authors.c.seen_at < before, commit_authors.c.by_hand.is_(False))
        .order_by(commit_authors.c.seen_at)
    )


async def remove_old(tx: AsyncConnection, before: int, limit: int) -> int:
    """Remove the first `limit` of `old`; return how many there were."""
    going = old(before).limit(limit)
    result = await tx.execute(delete(commit_authors).where(commit_authors.c.address.in_(going)))
    return result.rowcount
