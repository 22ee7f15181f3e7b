"""The tables decision_batches and notable_decisions: what became of each event, compactly."""

import zlib
from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import decision_batches, notable_decisions
from shared.decisions import Code
from shared.pipe import Decision, decode_outbound, encode_lines

PLAIN = Code.KNOWN
"""The code of a decision that needs no index, because nothing happened."""


class _Head(msgspec.Struct):
    """The part of a line that says whether the rest is worth reading."""

    seq: int


_head = msgspec.json.Decoder(_Head).decode


async def store(tx: AsyncConnection, decisions: Sequence[Decision]) -> None:
    """Store one row for the batch, which is not empty and is in the order of `seq`."""
    await tx.execute(
        insert(decision_batches).values(
            first_seq=decisions[0].seq,
            last_seq=decisions[-1].seq,
            decisions=zlib.compress(encode_lines(decisions), level=1),
        )
    )
    notable = [
        {"seq": each.seq, "code": each.code, "incident_id": each.incident_id}
        for each in decisions
        if each.code != PLAIN
    ]
    if notable:
        await tx.execute(insert(notable_decisions), notable)


async def count_of_incident(
    tx: AsyncConnection, incident_id: str, spans: Sequence[tuple[int, int]]
) -> list[int]:
    """Return how many entries belong to this incident, for each span of `seq`.

    A span excludes its first `seq` and includes its second. What a silence held back is no longer
    part of the incident.
    """
    counts = (
        select(func.count())
        .where(
            notable_decisions.c.incident_id == incident_id,
            notable_decisions.c.code != Code.SILENCED,
            notable_decisions.c.seq > after,
            notable_decisions.c.seq <= up_to,
        )
        .scalar_subquery()
        for after, up_to in spans
    )
    return list((await tx.execute(select(*counts))).one())


async def get(tx: AsyncConnection, seq: int) -> Decision | None:
    """Return the decision on the entry at `seq`, or None if it is not decided yet."""
    return (await get_some(tx, (seq,))).get(seq)


async def get_some(tx: AsyncConnection, seqs: Collection[int]) -> dict[int, Decision]:
    """Return the decisions on the entries at `seqs` that have one; read each batch once."""
    found: dict[int, Decision] = {}
    missing = set(seqs)
    while missing:
        seq = missing.pop()
        row = (
            await tx.execute(
                select(decision_batches.c.decisions)
                .where(decision_batches.c.last_seq >= seq, decision_batches.c.first_seq <= seq)
                .order_by(decision_batches.c.last_seq)
                .limit(1)
            )
        ).first()
        if row is None:
            continue
        wanted = missing | {seq}
        for line in zlib.decompress(row.decisions).splitlines():
            if _head(line).seq in wanted:
                decision = decode_outbound(line)
                if isinstance(decision, Decision):
                    found[decision.seq] = decision
        missing -= found.keys()
    return found


def old_batches(before_seq: int) -> Select[tuple[int]]:
    """Return the query of the batches in which every entry is before `before_seq`, oldest first."""
    return (
        select(decision_batches.c.last_seq)
        .where(decision_batches.c.last_seq < before_seq)
        .order_by(decision_batches.c.last_seq)
    )


def old_notable(before_seq: int) -> Select[tuple[int]]:
    """Return the query of the index of decisions on entries before `before_seq`, oldest first."""
    return (
        select(notable_decisions.c.seq)
        .where(notable_decisions.c.seq < before_seq)
        .order_by(notable_decisions.c.seq)
    )


async def remove_batches(tx: AsyncConnection, before_seq: int, limit: int) -> int:
    """Remove the first `limit` batches of `old_batches`; return how many there were."""
    going = old_batches(before_seq).limit(limit)
    removed = delete(decision_batches).where(decision_batches.c.last_seq.in_(going))
    return (await tx.execute(removed)).rowcount


async def remove_notable(tx: AsyncConnection, before_seq: int, limit: int) -> int:
    """Remove the first `limit` rows of `old_notable`; return how many there were."""
    going = old_notable(before_seq).limit(limit)
    removed = delete(notable_decisions).where(notable_decisions.c.seq.in_(going))
    return (await tx.execute(removed)).rowcount
