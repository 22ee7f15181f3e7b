"""The table slack_messages: those of our bot that are edited as their subject changes."""

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.tables import slack_messages


class SlackMessage(msgspec.Struct, frozen=True):
    """Where a message stands at Slack, and what it says (JSON, opaque here)."""

    channel: str
    ts: str
    said: bytes


async def get(tx: AsyncConnection, subject: str) -> SlackMessage | None:
    """The message about `subject`, if there is one."""
    row = (
        await tx.execute(select(slack_messages).where(slack_messages.c.subject == subject))
    ).first()
    return None if row is None else SlackMessage(row.channel, row.ts, row.said)


async def put(tx: AsyncConnection, subject: str, message: SlackMessage) -> None:
    """From now on this is the message about `subject`."""
    fields = msgspec.structs.asdict(message)
    await tx.execute(
        insert(slack_messages)
        .values(subject=subject, **fields)
        .on_conflict_do_update(index_elements=["subject"], set_=fields)
    )
