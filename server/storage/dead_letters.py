"""The table dead_letters: entries that the engine died on, and what people did with them."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.journal_file import JournalEntry
from server.storage.tables import dead_letters

Fate = Literal["waiting", "replayed", "discarded"]


class DeadLetter(msgspec.Struct, frozen=True):
    """An entry that was set aside. Times are microseconds since the epoch.

    `replayed_as` is the new entry that was made of it.
    """

    seq: int
    received: int
    entry: bytes
    reason: str
    buried_at: int
    state: Fate
    replayed_as: int | None


async def bury(tx: AsyncConnection, entry: JournalEntry, reason: str, at: int) -> None:
    """Set `entry` aside; one that is there already stays as it is."""
    await tx.execute(
        insert(dead_letters)
        .values(
            seq=entry.seq,
            received=entry.received,
            entry=entry.body,
            reason=reason,
            buried_at=at,
            state="waiting",
        )
        .on_conflict_do_nothing()
    )


async def newest(tx: AsyncConnection, before_seq: int | None, limit: int) -> list[DeadLetter]:
    """A page of dead letters, newest first: those before `before_seq`, or the first page."""
    query = select(dead_letters).order_by(dead_letters.c.seq.desc()).limit(limit)
    if before_seq is not None:
        query = query.where(dead_letters.c.seq < before_seq)
    return [_from_row(row) for row in await tx.execute(query)]


async def get(tx: AsyncConnection, seq: int) -> DeadLetter | None:
    """The dead letter of the entry at `seq`."""
    row = (await tx.execute(select(dead_letters).where(dead_letters.c.seq == seq))).first()
    return None if row is None else _from_row(row)


async def seqs_after(tx: AsyncConnection, seq: int) -> Sequence[int]:
    """Which entries after `seq` are never to be given to the engine again."""
    query = select(dead_letters.c.seq).where(dead_letters.c.seq > seq)
    return (await tx.execute(query)).scalars().all()


async def mark_replayed(tx: AsyncConnection, seq: int, replayed_as: int) -> bool:
    """Say what was made of it; False where it does not wait any more."""
    return await _settle(tx, seq, "replayed", replayed_as)


async def mark_discarded(tx: AsyncConnection, seq: int) -> bool:
    """Say that nobody wants it; False where it does not wait any more."""
    return await _settle(tx, seq, "discarded", None)


async def _settle(tx: AsyncConnection, seq: int, state: Fate, replayed_as: int | None) -> bool:
    settled = await tx.execute(
        update(dead_letters)
        .where(dead_letters.c.seq == seq, dead_letters.c.state == "waiting")
        .values(state=state, replayed_as=replayed_as)
    )
    return settled.rowcount == 1


def _from_row(row: Row[tuple[object, ...]]) -> DeadLetter:
    return msgspec.convert(row._mapping, DeadLetter)
