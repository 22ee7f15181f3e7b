"""The table slack_messages: those of our bot that are edited as their subject changes."""

import msgspec
from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import incidents, slack_messages


class SlackMessage(msgspec.Struct, frozen=True):
    """Where the message about `subject` stands at Slack, and what it says (JSON, opaque here).

    `said_seq` is the entry up to which it tells its incident.
    """

    subject: str
    channel: str
    ts: str
    said: bytes
    said_seq: int


async def get(tx: AsyncConnection, subject: str) -> SlackMessage | None:
    """The message about `subject`, if there is one."""
    row = (
        await tx.execute(select(slack_messages).where(slack_messages.c.subject == subject))
    ).first()
    if row is None:
        return None
    return SlackMessage(row.subject, row.channel, row.ts, row.said, row.said_seq)


async def put(tx: AsyncConnection, message: SlackMessage, edited_at: int) -> None:
    """From now on this is the message about its subject; `edited_at` in microseconds."""
    fields = msgspec.structs.asdict(message) | {"edited_at": edited_at}
    await tx.execute(
        insert(slack_messages)
        .values(**fields)
        .on_conflict_do_update(index_elements=["subject"], set_=fields)
    )


async def forget(tx: AsyncConnection, subject: str) -> None:
    """There is no message about this any more."""
    await tx.execute(delete(slack_messages).where(slack_messages.c.subject == subject))


async def out_of_date(tx: AsyncConnection, edited_before: int, limit: int) -> list[str]:
    """Open incidents of which more is known than their message says, the longest unedited first.

    Those that were edited at `edited_before` or later are left out.
    """
    rows = await tx.execute(
        select(incidents.c.incident_id)
        .join(slack_messages, slack_messages.c.subject == incidents.c.incident_id)
        .where(
            incidents.c.ended_at.is_(None),
            incidents.c.changed_seq > slack_messages.c.said_seq,
            slack_messages.c.edited_at < edited_before,
        )
        .order_by(slack_messages.c.edited_at, incidents.c.incident_id)
        .limit(limit)
    )
    return list(rows.scalars())


async def tried(tx: AsyncConnection, subject: str, at: int) -> None:
    """The message could not be edited: others come first now."""
    await tx.execute(
        update(slack_messages).where(slack_messages.c.subject == subject).values(edited_at=at)
    )


async def remove_old(tx: AsyncConnection, before: int, limit: int) -> int:
    """Forget messages from before `before`, in microseconds, the oldest `limit` at most; how many
    there were. That of an incident stays as long as the incident does.
    """
    old = (
        select(slack_messages.c.subject)
        .where(
            # Slack's name for a message is its time: seconds, in this era with equally many digits.
            slack_messages.c.ts < f"{before // 1_000_000}",
            ~exists().where(incidents.c.incident_id == slack_messages.c.subject),
        )
        .order_by(slack_messages.c.ts)
        .limit(limit)
    )
    removed = await tx.execute(delete(slack_messages).where(slack_messages.c.subject.in_(old)))
    return removed.rowcount
