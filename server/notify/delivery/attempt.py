"""Make one attempt to tell a receiver what is due, and store that it was sent, or why not."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from server.notify.channel import Channel, DeliveryFailed, Letter
from server.notify.delivery.persistence import persist
from server.notify.news import IncidentNews, News, subject_of
from server.process import log
from server.storage.database import Database, Transaction
from server.storage.errors import REFUSED_BY_STORAGE, STORAGE_TROUBLE
from server.storage.main import outbox, slack_messages
from server.storage.main.outbox import Delivery
from server.storage.main.slack_messages import SlackMessage

SEND_TIMEOUT_S = 120.0
"""A channel has its own, shorter limit; this one is for a channel that breaks its promise."""

_decode = msgspec.json.Decoder(News).decode


async def attempt(
    database: Database, channel: Channel, rows: Sequence[Delivery], now: Callable[[], int]
) -> DeliveryFailed | None:
    """Send `rows`, which are claimed, to their one receiver; return why they were not sent, if so.

    Once sent, they are marked before this returns, however long the database takes. A letter that
    breaks its channel has failed for good: otherwise it would end the process at each start. `now`
    returns microseconds.
    """
    try:
        letters = [await _letter(database, channel, row) for row in rows]
        async with asyncio.timeout(SEND_TIMEOUT_S):
            standing = await channel.send(letters)
    except DeliveryFailed as failure:
        await _store(database, channel, failure.standing, now())
        return failure
    except TimeoutError:
        return DeliveryFailed(f"took longer than {SEND_TIMEOUT_S:.0f} s", permanent=False)
    except REFUSED_BY_STORAGE as defect:
        return broken(channel, defect)
    except STORAGE_TROUBLE as error:
        reason = f"the database cannot be used now: {error}"
        return DeliveryFailed(reason, permanent=False, kind="defect")
    except Exception as defect:
        return broken(channel, defect)
    await _store(database, channel, standing, now(), sent=[row.id for row in rows])
    return None


async def _store(
    database: Database,
    channel: Channel,
    standing: Sequence[SlackMessage],
    at: int,
    sent: Sequence[int] = (),
) -> None:
    """Store what stands there now, and mark the rows that were sent, in one transaction."""
    if not (standing or sent):
        return

    async def write(tx: Transaction) -> None:
        if sent:
            await outbox.mark_sent(tx, sent, at)
        for message in standing:
            await slack_messages.put(tx, message, at)

    await persist(database, channel.name, write)


def broken(channel: Channel, defect: Exception) -> DeliveryFailed:
    """Log a defect of PushLog that a message met; return it as a failure for good."""
    log.server(logging.ERROR, f"{channel.name} broke", exc_info=defect)
    return DeliveryFailed(f"defect of PushLog: {defect!r}", permanent=True, kind="defect")


async def _letter(database: Database, channel: Channel, row: Delivery) -> Letter:
    try:
        news = _decode(row.news)
    except msgspec.DecodeError as error:
        reason = f"written by another version: {error}"
        raise DeliveryFailed(reason, permanent=True, kind="defect") from error
    standing = None
    if channel.editing and (subject := subject_of(news)):
        # A message for everybody is not where those read to whom the incident is handed on.
        is_new = isinstance(news, IncidentNews) and news.change == "handed_on"
        find = slack_messages.get if is_new else slack_messages.find
        async with database.read() as tx:
            standing = await find(tx, subject, row.receiver)
    return Letter(
        key=row.key,
        receiver=row.receiver,
        incident_id=row.incident_id,
        news=news,
        standing=standing,
    )
