"""The tables unentered_webhooks and webhook_sources: webhooks that are not in the journal."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import unentered_webhooks, webhook_sources
from server.storage.rows import struct_of
from server.storage.times import to_micros

Route = Literal["sentry", "github", "incidents"]
"""The last part of the address that a webhook came to."""

Unentered = Literal["duplicate", "no_event", "refused", "invalid", "queue_full", "not_stored"]
"""What became of a webhook that made no entry, by the names of the metric's label `outcome`."""

Outcome = Literal[Unentered, "accepted"]

END = 2**62
"""Greater than every row number."""

KEPT_OF_EACH = 500
"""Rows of each source and outcome, so that a flood of one kind pushes out no other.

All together, that is 9,000 rows.
"""


class UnenteredWebhook(msgspec.Struct, kw_only=True):
    """A webhook without an entry, with its `reason` in words; `id` is 0 until it is stored.

    `delivery_id` is what the sender calls it. `event_id` and `first_seq` (the entry that it
    repeats) are known only for duplicates. `more_like_it` counts those that came soon after it and
    were not kept.
    """

    at: datetime
    source: Route
    outcome: Unentered
    reason: str
    size_bytes: int | None = None
    delivery_id: str | None = None
    event_id: str | None = None
    first_seq: int | None = None
    more_like_it: int = 0
    id: int = 0


class SourceNews(msgspec.Struct, frozen=True, kw_only=True):
    """The last webhook of a source.

    `signature` is ``verified``, ``unsigned``, ``missing``, ``wrong``, or None if it was not
    checked. `accepted_at` is when the last one came that was understood.
    """

    source: Route
    at: datetime
    outcome: Outcome
    signature: str | None
    about: str
    accepted_at: datetime | None


async def add(tx: AsyncConnection, came: Sequence[UnenteredWebhook]) -> None:
    """Store these, and remove the oldest of each kind if there are too many."""
    rows = [msgspec.structs.asdict(each) | {"at": to_micros(each.at)} for each in came]
    for row in rows:
        del row["id"]
    await tx.execute(insert(unentered_webhooks), rows)
    for source, outcome in {(each.source, each.outcome) for each in came}:
        of_this_kind = (
            unentered_webhooks.c.source == source,
            unentered_webhooks.c.outcome == outcome,
        )
        last_to_go = (
            select(unentered_webhooks.c.id)
            .where(*of_this_kind)
            .order_by(unentered_webhooks.c.id.desc())
            .offset(KEPT_OF_EACH)
            .limit(1)
        )
        await tx.execute(
            delete(unentered_webhooks).where(
                *of_this_kind, unentered_webhooks.c.id <= last_to_go.scalar_subquery()
            )
        )


async def newest(
    tx: AsyncConnection,
    *,
    before_id: int,
    limit: int,
    source: Route | None = None,
    outcome: Unentered | None = None,
    named: Sequence[str] | None = None,
) -> list[UnenteredWebhook]:
    """Return those before `before_id`, newest first.

    `named` is a delivery's or an event's id, in the forms in which it may be written.
    """
    query = select(unentered_webhooks).where(unentered_webhooks.c.id < before_id)
    if source is not None:
        query = query.where(unentered_webhooks.c.source == source)
    if outcome is not None:
        query = query.where(unentered_webhooks.c.outcome == outcome)
    if named is not None:
        query = query.where(
            or_(
                unentered_webhooks.c.delivery_id.in_(named),
                unentered_webhooks.c.event_id.in_(named),
            )
        )
    rows = await tx.execute(query.order_by(unentered_webhooks.c.id.desc()).limit(limit))
    return [struct_of(row, UnenteredWebhook) for row in rows]


async def tell_of_sources(tx: AsyncConnection, news: Iterable[SourceNews]) -> None:
    """Replace the last webhook of each source by the newer one."""
    for each in news:
        values = msgspec.structs.asdict(each) | {"at": to_micros(each.at)}
        if each.accepted_at is None:
            del values["accepted_at"]
        else:
            values["accepted_at"] = to_micros(each.accepted_at)
        put = insert(webhook_sources).values(values)
        changes = {name: value for name, value in values.items() if name != "source"}
        await tx.execute(put.on_conflict_do_update(index_elements=["source"], set_=changes))


async def sources(tx: AsyncConnection) -> dict[Route, SourceNews]:
    """Return the last webhook of each source that has sent one."""
    rows = await tx.execute(select(webhook_sources))
    found = [struct_of(row, SourceNews) for row in rows]
    return {each.source: each for each in found}
