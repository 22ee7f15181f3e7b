"""The table outbox: what to tell people outside, and what became of it.

Guarantee: a row exists once per key, and a worker that claims it has it alone until the lease ends.
If the worker dies between sending and marking, the row is sent again with the same key.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args

import msgspec
from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import incidents, outbox
from server.storage.rows import struct_of

ChannelName = Literal["email", "slack", "webhook", "apprise"]
DeliveryState = Literal["waiting", "sending", "sent", "failed", "digested"]

FailureKind = Literal["connection", "settings", "message", "limit", "defect"]
"""Where a failure lies: on the way there; in our settings or account; in this message or its
receiver; in how much we send; in PushLog itself."""

GIVE_UP_AFTER_US = 86_400_000_000
"""A day. Anything not told by then is not tried any more until somebody asks for it."""

_DUE = ("waiting", "sending")
_SETTLED = ("sent", "failed", "digested")


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """What to tell to whom; `news` is JSON, opaque here. What is `urgent` is told first.

    If it `can_wait`, it may be held back until its receiver's working hours: `held_until`, in
    microseconds.
    """

    key: str
    channel: ChannelName
    receiver: str
    incident_id: str | None
    news: bytes
    urgent: bool = False
    can_wait: bool = False
    held_until: int | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One row; `next_at` is when a waiting row is tried next."""

    id: int
    key: str
    channel: ChannelName
    receiver: str
    incident_id: str | None
    news: bytes
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_at: datetime
    give_up_at: datetime
    sent_at: datetime | None
    last_error: str | None
    urgent: bool = False
    held_until: datetime | None = None
    failure: FailureKind | None = None


class DeliveryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries are wanted; a field that is None does not filter."""

    state: DeliveryState | None = None
    channel: ChannelName | None = None
    incident_id: str | None = None


async def add(tx: AsyncConnection, deliveries: Sequence[NewDelivery], at: int) -> int:
    """Add deliveries and return how many are new; an existing key changes nothing."""
    if not deliveries:
        return 0
    added = await tx.scalars(
        insert(outbox).on_conflict_do_nothing(index_elements=["key"]).returning(outbox.c.id),
        [_new_row(each, at) for each in deliveries],
    )
    return len(added.all())


def _new_row(delivery: NewDelivery, at: int) -> dict[str, object]:
    row = msgspec.structs.asdict(delivery)
    del row["can_wait"]
    due = delivery.held_until or at
    waiting = {"state": "waiting", "created_at": at, "next_at": due}
    return row | waiting | {"give_up_at": due + GIVE_UP_AFTER_US}


async def receivers_told(tx: AsyncConnection, incident_id: str) -> frozenset[tuple[str, str]]:
    """Return channel and receiver of all that was told, or will be told, about this incident."""
    rows = await tx.execute(
        select(outbox.c.channel, outbox.c.receiver)
        .where(outbox.c.incident_id == incident_id)
        .distinct()
    )
    return frozenset((channel, receiver) for channel, receiver in rows)


async def known(tx: AsyncConnection, keys: Sequence[str]) -> frozenset[str]:
    """Return for which of these keys there is a delivery."""
    return frozenset(await tx.scalars(select(outbox.c.key).where(outbox.c.key.in_(keys))))


async def due_receivers(tx: AsyncConnection, channel: ChannelName, now: int) -> list[str]:
    """Return the receivers for whom something is due, the longest waiting first."""
    oldest = func.min(outbox.c.id)
    rows = await tx.execute(
        select(outbox.c.receiver)
        .where(_is_due(channel, now))
        .group_by(outbox.c.receiver)
        .order_by(oldest)
    )
    return list(rows.scalars())


async def due(
    tx: AsyncConnection, channel: ChannelName, receiver: str, now: int, limit: int
) -> list[Delivery]:
    """Return what is due for this receiver: what is urgent first, then the oldest.

    Rows that failed before come last, so that one that cannot be told holds up no other.
    """
    rows = await tx.execute(
        select(outbox)
        .where(_is_due(channel, now), outbox.c.receiver == receiver)
        .order_by(outbox.c.attempts, outbox.c.urgent.desc(), outbox.c.id)
        .limit(limit)
    )
    return [struct_of(row, Delivery) for row in rows]


async def next_due_at(tx: AsyncConnection, channel: ChannelName, after: int) -> int | None:
    """Return when the next row that is not due at `after` will be due, or None if there is none."""
    at: int | None = await tx.scalar(
        select(func.min(outbox.c.next_at)).where(
            outbox.c.channel == channel, outbox.c.state.in_(_DUE), outbox.c.next_at > after
        )
    )
    return at


async def sent_since(
    tx: AsyncConnection, channel: ChannelName, receiver: str, since: int
) -> list[int]:
    """Return when messages went to this receiver after `since`, oldest first; a digest is one."""
    rows = await tx.execute(
        select(outbox.c.sent_at)
        .where(
            outbox.c.channel == channel,
            outbox.c.receiver == receiver,
            outbox.c.state == "sent",
            outbox.c.sent_at > since,
        )
        .order_by(outbox.c.sent_at)
    )
    return list(rows.scalars())


async def claim(tx: AsyncConnection, ids: Sequence[int], now: int, lease_until: int) -> list[int]:
    """Claim rows and return those of `ids` that are the caller's alone until `lease_until`.

    The caller must say what became of each, or they are due again then.
    """
    claimed = []
    for row_id in ids:
        result = await tx.execute(
            update(outbox)
            .where(outbox.c.id == row_id, outbox.c.state.in_(_DUE), outbox.c.next_at <= now)
            .values(state="sending", attempts=outbox.c.attempts + 1, next_at=lease_until)
        )
        if result.rowcount == 1:
            claimed.append(row_id)
    return claimed


async def mark_sent(tx: AsyncConnection, ids: Sequence[int], at: int) -> None:
    """Mark these as told: the first as a message, the others as part of it."""
    for row_id, state in zip(ids, ["sent", *["digested"] * (len(ids) - 1)], strict=True):
        await tx.execute(
            update(outbox)
            .where(outbox.c.id == row_id)
            .values(state=state, sent_at=at, last_error=None, failure=None)
        )


async def mark_failed(
    tx: AsyncConnection, ids: Sequence[int], reason: str, failure: FailureKind = "connection"
) -> None:
    """Give these up until somebody asks for them again."""
    await tx.execute(
        update(outbox)
        .where(outbox.c.id.in_(ids))
        .values(state="failed", last_error=reason, failure=failure)
    )


async def mark_for_retry(
    tx: AsyncConnection,
    ids: Sequence[int],
    reason: str,
    next_at: int,
    failure: FailureKind = "connection",
) -> None:
    """Make these due again at `next_at`."""
    await tx.execute(
        update(outbox)
        .where(outbox.c.id.in_(ids))
        .values(state="waiting", last_error=reason, failure=failure, next_at=next_at)
    )


async def give_up(
    tx: AsyncConnection, channel: ChannelName, receiver: str, reason: str, now: int
) -> int:
    """Give up this receiver's deliveries that have waited too long; return how many."""
    result = await tx.execute(
        update(outbox)
        .where(
            outbox.c.channel == channel,
            outbox.c.receiver == receiver,
            outbox.c.state == "waiting",
            outbox.c.give_up_at <= now,
        )
        .values(state="failed", last_error=func.coalesce(outbox.c.last_error, reason))
    )
    return result.rowcount


async def release(tx: AsyncConnection, channel: ChannelName, now: int) -> int:
    """Make due again what a dead process had claimed; return how many."""
    result = await tx.execute(
        update(outbox)
        .where(outbox.c.channel == channel, outbox.c.state == "sending")
        .values(state="waiting", next_at=now)
    )
    return result.rowcount


async def resend(tx: AsyncConnection, row_id: int, at: int) -> bool:
    """Make the row due again now, for another day; return whether it was sent or given up."""
    result = await tx.execute(
        update(outbox)
        .where(outbox.c.id == row_id, outbox.c.state.in_(_SETTLED))
        .values(state="waiting", next_at=at, give_up_at=at + GIVE_UP_AFTER_US)
    )
    return result.rowcount == 1


async def newest(
    tx: AsyncConnection, wanted: DeliveryFilter, limit: int, before: int | None = None
) -> list[Delivery]:
    """Return deliveries, newest first; with `before`, only those older than that id."""
    query = select(outbox)
    for column, value in (
        (outbox.c.state, wanted.state),
        (outbox.c.channel, wanted.channel),
        (outbox.c.incident_id, wanted.incident_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(outbox.c.id < before)
    rows = await tx.execute(query.order_by(outbox.c.id.desc()).limit(limit))
    return [struct_of(row, Delivery) for row in rows]


async def get(tx: AsyncConnection, row_id: int) -> Delivery | None:
    """Return the delivery of this id, or None."""
    row = (await tx.execute(select(outbox).where(outbox.c.id == row_id))).first()
    return None if row is None else struct_of(row, Delivery)


class Undelivered(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver of a channel did not get: how many messages, and why not the last of them."""

    channel: ChannelName
    receiver: str
    messages: int
    reason: str


async def undelivered(tx: AsyncConnection, *, created_after: int, due_by: int) -> list[Undelivered]:
    """Return the receivers whom nothing has reached since something failed, by name.

    It failed if it was given up, or if it was created by `due_by` and still waits for another try.
    Only what was created after `created_after` counts. Both are in microseconds.
    """
    later = outbox.alias()
    reached = exists().where(
        later.c.channel == outbox.c.channel,
        later.c.receiver == outbox.c.receiver,
        later.c.state == "sent",
        later.c.id > outbox.c.id,
    )
    of_receivers = (
        select(func.max(outbox.c.id).label("last_id"), func.count().label("messages"))
        .where(
            outbox.c.created_at > created_after,
            or_(
                outbox.c.state == "failed",
                and_(
                    outbox.c.state == "waiting",
                    outbox.c.attempts > 0,
                    outbox.c.last_error.is_not(None),
                    outbox.c.created_at <= due_by,
                ),
            ),
            ~reached,
        )
        .group_by(outbox.c.channel, outbox.c.receiver)
        .subquery()
    )
    rows = await tx.execute(
        select(
            outbox.c.channel,
            outbox.c.receiver,
            of_receivers.c.messages,
            func.coalesce(outbox.c.last_error, "").label("reason"),
        )
        .join(of_receivers, outbox.c.id == of_receivers.c.last_id)
        .order_by(outbox.c.channel, outbox.c.receiver)
    )
    return [struct_of(row, Undelivered) for row in rows]


async def counts(tx: AsyncConnection) -> dict[DeliveryState, int]:
    """Return how many deliveries are in each state."""
    rows = await tx.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state))
    found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in get_args(DeliveryState)}


def old(before: int) -> Select[tuple[int]]:
    """Return the query of the deliveries made before `before` that are told or given up.

    The oldest come first. Deliveries of an incident stay as long as the incident: they record who
    must hear of its end.
    """
    return (
        select(outbox.c.id)
        .where(
            outbox.c.created_at < before,
            outbox.c.state.in_(_SETTLED),
            ~exists().where(incidents.c.incident_id == outbox.c.incident_id),
        )
        .order_by(outbox.c.created_at)
    )


async def remove_old(tx: AsyncConnection, before: int, limit: int) -> int:
    """Remove the first `limit` deliveries of `old`; return how many there were."""
    going = old(before).limit(limit)
    return (await tx.execute(delete(outbox).where(outbox.c.id.in_(going)))).rowcount


def _is_due(channel: ChannelName, now: int) -> ColumnElement[bool]:
    return and_(
        outbox.c.channel == channel,
        outbox.c.state.in_(_DUE),
        outbox.c.next_at <= now,
    )
