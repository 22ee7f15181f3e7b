"""Keep the counts in Slack's messages up to date while their incidents go on. This tells nobody.

It works beside the outbox: a failed edit is no loss, because the next one says all of it. News (it
got worse, it ended) comes into the same message by the postman. The channel's lock ensures that an
older text never replaces a newer one.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime

from server.notify.channel import DeliveryFailed
from server.notify.delivery.attempt import broken
from server.notify.slack.channel import BotChannel, brought_up_to_date
from server.process import log
from server.process.backoff import Backoff
from server.process.metrics import Metrics
from server.process.waking import woken_within
from server.storage.database import Database
from server.storage.errors import STORAGE_TROUBLE
from server.storage.main import incidents, slack_messages
from server.storage.times import to_micros

TURN_S = 15.0
EDITS_A_TURN = 5
"""20 edits a minute. Slack allows 50, and the postman needs some. If more messages are out of date,
each waits for its turn."""

EDIT_EVERY_S = 30.0
"""One message is edited at most this often, unless somebody acknowledges its incident."""

LONGEST_BACKOFF_S = 600.0


class Refresher:
    """Edits the few messages that were not edited for the longest, turn by turn."""

    def __init__(
        self,
        database: Database,
        bot: BotChannel,
        metrics: Metrics,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Set up the refresher. `draw` gives numbers from 0 up to 1."""
        self._database = database
        self._bot = bot
        self._metrics = metrics
        self._now = now
        self._backoff = Backoff(2 * TURN_S, LONGEST_BACKOFF_S, draw)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Note that somebody waits to see something in a message."""
        self._woken.set()

    async def run(self) -> None:
        """Take turns until cancelled."""
        while True:
            self._woken.clear()
            pause_s = await self.turn()
            if pause_s > TURN_S:
                # Slack wants to be left alone.
                await asyncio.sleep(pause_s)
                continue
            await woken_within(pause_s, self._woken)

    async def turn(self) -> float:
        """Edit what is due; return for how many seconds to rest then."""
        try:
            before = to_micros(self._now()) - int(EDIT_EVERY_S * 1_000_000)
            async with self._database.read() as tx:
                edits = min(EDITS_A_TURN, self._bot.meter.free())
                due = await slack_messages.out_of_date(tx, before, edits)
            for incident_id, receiver in due:
                failure = await self._refresh(incident_id, receiver)
                if failure is not None:
                    return await self._failed(incident_id, receiver, failure)
        except STORAGE_TROUBLE as error:
            log.server(logging.ERROR, f"slack waits for the database: {error}")
        return TURN_S

    async def _refresh(self, incident_id: str, receiver: str) -> DeliveryFailed | None:
        try:
            outcome = "edited" if await self._edit(incident_id, receiver) else "gone"
        except DeliveryFailed as failure:
            return failure
        except STORAGE_TROUBLE:
            raise
        except Exception as defect:
            # Otherwise one message that cannot be shown would end the process at each start.
            return broken(self._bot, defect)
        self._backoff.forget()
        self._metrics.refreshes.labels(outcome=outcome).inc()
        return None

    async def _edit(self, incident_id: str, receiver: str) -> bool:
        """Return False if nothing is left to edit; what somebody deleted is not posted again."""
        async with self._bot.editing:
            async with self._database.read() as tx:
                standing = await slack_messages.get(tx, incident_id, receiver)
                incident = await incidents.get(tx, incident_id)
            if standing is None or incident is None or incident.ended_at is not None:
                return False
            news = brought_up_to_date(standing, incident)
            if news is None:
                return False
            key = f"{incident_id}/updated/{news.seq}/slack"
            edited = await self._bot.edit(news, key, standing)
            async with self._database.write() as tx:
                if edited is None:
                    await slack_messages.forget(tx, incident_id, receiver)
                else:
                    await slack_messages.put(tx, edited, to_micros(self._now()))
            return edited is not None

    async def _failed(self, incident_id: str, receiver: str, failure: DeliveryFailed) -> float:
        pause_s = max(self._backoff.failed(), failure.retry_after_s or 0.0)
        self._metrics.refreshes.labels(outcome="failed").inc()
        which = f"{incident_id} in {receiver}" if receiver else incident_id
        log.server(
            logging.WARNING,
            f"slack {which} not brought up to date: {failure}; again in {pause_s:.1f} s",
        )
        async with self._database.write() as tx:
            await slack_messages.tried(tx, incident_id, receiver, to_micros(self._now()))
        return pause_s
