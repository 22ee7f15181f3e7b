"""The table entry_ids: which ids are in which stretch of the journal, for those who look for one.

A row has four bytes of a hash for each id. Of a thousand searches in millions of entries, a few
find a stretch that does not hold their id, so whoever searches still looks at the entries. An index
of single entries would take several times the room, and write a page here and there for each event.
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.journal.entry import identity_key
from server.storage.main.tables import entry_ids

_HASH_BYTES = 4
_ROWS_AT_ONCE = 500


class Stretch(msgspec.Struct, frozen=True):
    """Entries that follow each other, with both ends."""

    first_seq: int
    last_seq: int


async def indexed_to(tx: AsyncConnection) -> int:
    """Return the last entry of the newest stretch, or 0."""
    return await tx.scalar(select(func.max(entry_ids.c.last_seq))) or 0


async def store(tx: AsyncConnection, stretch: Stretch, ids: Iterable[str]) -> None:
    """Store the ids in the stretch after those that are stored; a second time, do nothing."""
    hashes = b"".join(_hash(each) for each in ids)
    values = msgspec.structs.asdict(stretch) | {"hashes": hashes}
    await tx.execute(
        insert(entry_ids).values(**values).on_conflict_do_nothing(index_elements=["last_seq"])
    )


async def newest_with(tx: AsyncConnection, wanted: str, before_seq: int) -> Stretch | None:
    """Return the newest stretch before `before_seq` in which the id `wanted` may be.

    It ends before `before_seq`. What has no index yet may hold any id.
    """
    last = await indexed_to(tx)
    if before_seq > last + 1:
        return Stretch(last + 1, before_seq - 1)
    wanted_hash = _hash(wanted)
    newest_first = select(entry_ids).order_by(entry_ids.c.last_seq.desc()).limit(_ROWS_AT_ONCE)
    rows = (await tx.execute(newest_first.where(entry_ids.c.first_seq < before_seq))).all()
    while rows:
        for row in rows:
            # A hash that begins in the middle of another only makes one look in vain.
            if wanted_hash in row.hashes:
                return Stretch(row.first_seq, min(row.last_seq, before_seq - 1))
        older = newest_first.where(entry_ids.c.last_seq < rows[-1].last_seq)
        rows = (await tx.execute(older)).all()
    return None


def old(before_seq: int) -> Select[tuple[int]]:
    """Return the query of the stretches in which every entry is before `before_seq`."""
    return (
        select(entry_ids.c.last_seq)
        .where(entry_ids.c.last_seq < before_seq)
        .order_by(entry_ids.c.last_seq)
    )


async def remove_old(tx: AsyncConnection, before_seq: int, limit: int) -> int:
    """Remove the first `limit` stretches of `old`; return how many there were."""
    going = old(before_seq).limit(limit)
    return (await tx.execute(delete(entry_ids).where(entry_ids.c.last_seq.in_(going)))).rowcount


def _hash(name: str) -> bytes:
    return identity_key(name)[:_HASH_BYTES]
