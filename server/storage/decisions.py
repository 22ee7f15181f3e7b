"""The tables decision_batches and notable_decisions: what became of each event, compactly."""

import zlib
from collections.abc import Sequence

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.tables import decision_batches, notable_decisions
from shared.pipe import Decision, decode_outbound, encode_lines

PLAIN = "known"
"""The code of a decision that is not worth an index: nothing happened."""


async def store(tx: AsyncConnection, decisions: Sequence[Decision]) -> None:
    """One row for the batch, which is not empty and in the order of `seq`."""
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


async def get(tx: AsyncConnection, seq: int) -> Decision | None:
    """The decision on the entry at `seq`; none while it has not been decided."""
    row = (
        await tx.execute(
            select(decision_batches.c.decisions)
            .where(decision_batches.c.last_seq >= seq, decision_batches.c.first_seq <= seq)
            .order_by(decision_batches.c.last_seq)
            .limit(1)
        )
    ).first()
    if row is None:
        return None
    for line in zlib.decompress(row.decisions).splitlines():
        decision = decode_outbound(line)
        if isinstance(decision, Decision) and decision.seq == seq:
            return decision
    return None
