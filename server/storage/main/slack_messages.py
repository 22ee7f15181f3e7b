"""The table slack_messages: our bot's messages that are edited as their subject changes.

Each receiver who was told of an incident has a message of their own. A message for `EVERYBODY` is
the only one about its subject, wherever the news goes: so it is with pushes and troubles, and with
incidents from before schema 0038 if nobody knew any more whose the message was.
"""

import msgspec
from sqlalchemy import ColumnElement, Select, and_, delete, exists, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import incidents, slack_messages
from server.storage.rows import struct_of

EVERYBODY = ""
"""The receiver of a message that stands for all receivers."""


class SlackMessage(msgspec.Struct, frozen=True):
    """Where the message about `subject` is at Slack, and what it says (JSON, opaque here).

    `receiver` is who reads it, as the outbox names them, and `channel` is Slack's name for it.
    `said_seq` is the entry up to which it describes its incident, and `said_acknowledged` whether
    it says who acknowledged it.
    """

    subject: str
    receiver: str
    channel: str
    ts: str
    said: bytes
    said_seq: int
    said_acknowledged: bool = False


async def get(tx: AsyncConnection, subject: str, receiver: str) -> SlackMessage | None:
    """Return the message about `subject` that exactly this receiver has, or None."""
    row = (await tx.execute(select(slack_messages).where(_is(subject, receiver)))).first()
    if row is None:
        return None
    return struct_of(row, SlackMessage)


async def find(tx: AsyncConnection, subject: str, receiver: str) -> SlackMessage | None:
    """Return the message about `subject` that this receiver reads: their own, or everybody's."""
    return await get(tx, subject, receiver) or await get(tx, subject, EVERYBODY)


async def put(tx: AsyncConnection, message: SlackMessage, edited_at: int) -> None:
    """Make this its receiver's message about its subject; `edited_at` in microseconds."""
    fields = msgspec.structs.asdict(message) | {"edited_at": edited_at}
    await tx.execute(
        insert(slack_messages)
        .values(**fields)
        .on_conflict_do_update(index_elements=["subject", "receiver"], set_=fields)
    )


async def forget(tx: AsyncConnection, subject: str, receiver: str) -> None:
    """Forget the message that this receiver had about this subject; there is none any more."""
    await tx.execute(delete(slack_messages).where(_is(subject, receiver)))


async def out_of_date(tx: AsyncConnection, edited_before: int, limit: int) -> list[tuple[str, str]]:
    """Return the messages that say less of an open incident than is known, longest unedited first.

    Each is given by its incident and its receiver.

    Those edited at `edited_before` or later are left out, unless somebody has acknowledged them
    since: whoever did it waits to see it.
    """
    edited_at, acknowledged_at = slack_messages.c.edited_at, incidents.c.acknowledged_at
    is_acknowledgement_news = and_(
        acknowledged_at.is_not(None), slack_messages.c.said_acknowledged.is_(False)
    )
    is_news = or_(incidents.c.changed_seq > slack_messages.c.said_seq, is_acknowledgement_news)
    rows = await tx.execute(
        select(incidents.c.incident_id, slack_messages.c.receiver)
        .join(slack_messages, slack_messages.c.subject == incidents.c.incident_id)
        .where(
            incidents.c.ended_at.is_(None),
            or_(
                and_(is_news, edited_at < edited_before),
                and_(is_acknowledgement_news, edited_at < acknowledged_at),
            ),
        )
        .order_by(edited_at, incidents.c.incident_id, slack_messages.c.receiver)
        .limit(limit)
    )
    return [(incident_id, receiver) for incident_id, receiver in rows]


async def tried(tx: AsyncConnection, subject: str, receiver: str, at: int) -> None:
    """Note that the message could not be edited, so that others come first now."""
    await tx.execute(update(slack_messages).where(_is(subject, receiver)).values(edited_at=at))


def old(before: int) -> Select[tuple[str, str]]:
    """Return the query of the messages from before `before` (microseconds), the oldest first.

    Those about an incident stay as long as the incident.
    """
    return (
        select(slack_messages.c.subject, slack_messages.c.receiver)
        .where(
            # Slack names a message by its time: seconds, which have equally many digits in this
            # era.
            slack_messages.c.ts < f"{before // 1_000_000}",
            ~exists().where(incidents.c.incident_id == slack_messages.c.subject),
        )
        .order_by(slack_messages.c.ts)
    )


async def remove_old(tx: AsyncConnection, before: int, limit: int) -> int:
    """Forget the first `limit` messages of `old`; return how many there were."""
    going = old(before).limit(limit)
    name = tuple_(slack_messages.c.subject, slack_messages.c.receiver)
    removed = await tx.execute(delete(slack_messages).where(name.in_(going)))
    return removed.rowcount


def _is(subject: str, receiver: str) -> ColumnElement[bool]:
    return and_(slack_messages.c.subject == subject, slack_messages.c.receiver == receiver)
