"""The table dead_letters: entries that the engine died on, and what people did with them."""

from collections.abc import Sequence
from typing import Literal, get_args

import msgspec
from sqlalchemy import LargeBinary, Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.journal.entry import JournalEntry
from server.storage.main.tables import dead_letters
from server.storage.rows import struct_of

Fate = Literal["waiting", "replayed", "discarded"]


_START_BYTES = 4_000


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that was set aside. Times are microseconds since the epoch.

    `start` is the beginning of its `size_bytes`. `replayed_as` is the new entry that was made from
    it.
    """

    seq: int
    received: int
    size_bytes: int
    start: bytes
    reason: str
    buried_at: int
    state: Fate
    replayed_as: int | None


class WholeDeadLetter(DeadLetter, frozen=True, kw_only=True):
    """A dead letter with all of its entry."""

    entry: bytes


async def bury(tx: AsyncConnection, entry: JournalEntry, reason: str, at: int) -> None:
    """Set `entry` aside; if it is there already, it stays as it is."""
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


async def newest(
    tx: AsyncConnection, before_seq: int | None, limit: int, state: Fate | None = None
) -> list[DeadLetter]:
    """Return a page of dead letters, newest first: those before `before_seq`, or the first page."""
    query = select(*_SHOWN).order_by(dead_letters.c.seq.desc()).limit(limit)
    if before_seq is not None:
        query = query.where(dead_letters.c.seq < before_seq)
    if state is not None:
        query = query.where(dead_letters.c.state == state)
    return [struct_of(row, DeadLetter) for row in await tx.execute(query)]


async def counts(tx: AsyncConnection) -> dict[Fate, int]:
    """Return how many there are in each state, starting with those that wait."""
    state = dead_letters.c.state
    rows = await tx.execute(select(state, func.count().label("letters")).group_by(state))
    found = {row.state: row.letters for row in rows}
    return {each: found.get(each, 0) for each in get_args(Fate)}


async def get(tx: AsyncConnection, seq: int) -> WholeDeadLetter | None:
    """Return the dead letter of the entry at `seq`."""
    query = select(*_SHOWN, dead_letters.c.entry).where(dead_letters.c.seq == seq)
    row = (await tx.execute(query)).first()
    return None if row is None else struct_of(row, WholeDeadLetter)


async def seqs_after(tx: AsyncConnection, seq: int) -> Sequence[int]:
    """Return which entries after `seq` must never be given to the engine again."""
    query = select(dead_letters.c.seq).where(dead_letters.c.seq > seq)
    return (await tx.execute(query)).scalars().all()


async def mark_replayed(tx: AsyncConnection, seq: int, replayed_as: int) -> bool:
    """Record the new entry that was made from it; return False if it no longer waits."""
    return await _settle(tx, seq, "replayed", replayed_as)


async def mark_discarded(tx: AsyncConnection, seq: int) -> bool:
    """Record that nobody wants it; return False if it no longer waits."""
    return await _settle(tx, seq, "discarded", None)


def old(before: int, watermark: int) -> Select[tuple[int]]:
    """Return the query of the settled dead letters of entries before `before`, the oldest first.

    From `watermark` on, they must still be kept from the engine.
    """
    return (
        select(dead_letters.c.seq)
        .where(
            dead_letters.c.seq <= watermark,
            dead_letters.c.state != "waiting",
            dead_letters.c.received < before,
        )
        .order_by(dead_letters.c.seq)
    )


async def remove_old(tx: AsyncConnection, before: int, watermark: int, limit: int) -> int:
    """Remove the first `limit` dead letters of `old`; return how many there were."""
    going = old(before, watermark).limit(limit)
    return (await tx.execute(delete(dead_letters).where(dead_letters.c.seq.in_(going)))).rowcount


async def _settle(tx: AsyncConnection, seq: int, state: Fate, replayed_as: int | None) -> bool:
    settled = await tx.execute(
        update(dead_letters)
        .where(dead_letters.c.seq == seq, dead_letters.c.state == "waiting")
        .values(state=state, replayed_as=replayed_as)
    )
    return settled.rowcount == 1


_SHOWN = (
    dead_letters.c.seq,
    dead_letters.c.received,
    func.length(dead_letters.c.entry).label("size_bytes"),
    func.substr(dead_letters.c.entry, 1, _START_BYTES, type_=LargeBinary).label("start"),
    dead_letters.c.reason,
    dead_letters.c.buried_at,
    dead_letters.c.state,
    dead_letters.c.replayed_as,
)
