"""The tables engine_progress and engine_states: what the engine gets back after a restart."""

from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import engine_progress, engine_states
from shared.pipe import State

_ONLY = 1
_GONE = b"null"

_PUT_STATE = insert(engine_states).on_conflict_do_update(
    index_elements=["key"], set_={"value": insert(engine_states).excluded.value}
)
_DROP_STATE = delete(engine_states).where(engine_states.c.key == bindparam("gone"))


class Progress(msgspec.Struct, frozen=True):
    """How far the engine has come.

    `watermark`: the states are those after this entry, and the engine goes on from there.

    `recorded_seq`: the engine's results for entries up to here are stored.
    """

    watermark: int
    recorded_seq: int


async def progress(tx: AsyncConnection) -> Progress:
    """Return how far states and records reach; 0 and 0 at the very beginning."""
    row = (
        await tx.execute(select(engine_progress.c.watermark, engine_progress.c.recorded_seq))
    ).first()
    return Progress(row.watermark, row.recorded_seq) if row is not None else Progress(0, 0)


async def store(tx: AsyncConnection, seq: int, states: Iterable[State]) -> None:
    """Store what changed since the last checkpoint, and move the watermark to this one's `seq`."""
    newest = {state.key: bytes(state.value) for state in states}
    put = [{"key": key, "value": value} for key, value in newest.items() if value != _GONE]
    gone = [{"gone": key} for key, value in newest.items() if value == _GONE]
    if put:
        await tx.execute(_PUT_STATE, put)
    if gone:
        await tx.execute(_DROP_STATE, gone)
    await _move(tx, "watermark", seq)


async def set_recorded(tx: AsyncConnection, seq: int) -> None:
    """Record that the results for entries up to `seq` are stored in this transaction."""
    await _move(tx, "recorded_seq", seq)


async def read_states(
    tx: AsyncConnection, a_slice: int
) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
    """Yield all states, keys with their values, in slices of `a_slice`, in no particular order.

    All of them are of one moment, however long it takes to go through them.
    """
    rows = await tx.stream(select(engine_states.c.key, engine_states.c.value))
    async for some in rows.partitions(a_slice):
        yield [(key, value) for key, value in some]


async def _move(tx: AsyncConnection, column: str, seq: int) -> None:
    start = {"id": _ONLY, "watermark": 0, "recorded_seq": 0}
    await tx.execute(insert(engine_progress).values(start).on_conflict_do_nothing())
    # This never goes back: what is known stays known, whatever a restored engine repeats.
    await tx.execute(
        update(engine_progress).where(engine_progress.c[column] < seq).values({column: seq})
    )
