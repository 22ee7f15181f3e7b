"""Carry the rows of the outbox to people: one worker per channel, so that none waits for another.

Guarantee: at least once, with the same key each time. A row is claimed, sent, and then marked. A
death in between leaves it claimed, and the next start sends it again. Cost: a receiver who is told
in that moment may be told twice.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import takewhile

from server.notify.channel import Channel, ChannelName, DeliveryFailed
from server.notify.delivery.attempt import attempt
from server.notify.delivery.pace import SECOND_US, Hold, Pace, letters_within, next_step
from server.notify.delivery.persistence import RETRY_S, persist
from server.process import log
from server.process.backoff import Backoff
from server.process.metrics import Metrics
from server.process.waking import woken_within
from server.storage.database import Database, Transaction
from server.storage.errors import STORAGE_TROUBLE
from server.storage.main import outbox
from server.storage.main.outbox import Delivery
from server.storage.times import to_micros

LEASE_S = 300
"""How long a claim lasts: longer than any channel's own time limit."""

AT_ONCE = 4
"""A channel delivers to this many receivers at the same time, so that a slow one delays nobody."""

LONGEST_PAUSE_S = 60.0
FIRST_BACKOFF_S = 5.0
LONGEST_BACKOFF_S = 600.0


class Postman:
    """Delivers what is due on one channel at the channel's pace.

    It serves a few receivers at once, and each receiver gets one message after the other. A
    receiver whom nothing reaches is left alone for a while, longer each time; the others are not.
    What cannot be told within a day, or ever, is given up into a list with the reason.
    """

    def __init__(
        self,
        database: Database,
        channel: Channel,
        pace: Pace,
        metrics: Metrics,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        draw: Callable[[], float] = random.random,
        first_backoff_s: float = FIRST_BACKOFF_S,
    ) -> None:
        """Set up the postman. `draw` gives numbers from 0 up to 1."""
        self._database = database
        self._channel = channel
        self._pace = pace
        self._metrics = metrics
        self._now = now
        self._draw = draw
        self._first_backoff_s = first_backoff_s
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._stopping = False
        self._under_way: set[str] = set()
        self._backoffs: dict[str, Backoff] = {}
        self._paused_until: dict[str, int] = {}
        self._said: dict[str, str] = {}

    @property
    def channel(self) -> ChannelName:
        """Return the channel that is served."""
        return self._channel.name

    def wake(self) -> None:
        """Note that there is something new in the outbox."""
        self._woken.set()

    async def stop(self, timeout_s: float) -> None:
        """Start nothing more, and wait for what is under way; `run` goes on idle."""
        self._stopping = True
        self._woken.set()
        await woken_within(timeout_s, self._idle)

    async def run(self) -> None:
        """Deliver what comes, until cancelled."""
        await self._persist(lambda tx: outbox.release(tx, self._channel.name, self._micros()))
        async with asyncio.TaskGroup() as deliveries:
            while not self._stopping:
                self._woken.clear()
                pause_s = await self.begin(deliveries)
                await woken_within(pause_s, self._woken)
        self._idle.set()
        await asyncio.Event().wait()

    async def begin(self, deliveries: asyncio.TaskGroup) -> float:
        """Start to send each receiver the next message, if one is due and none is under way.

        Return for how many seconds there is nothing more to start, unless the postman is woken.
        Each end of a delivery wakes it.
        """
        try:
            async with self._database.read() as tx:
                receivers = await outbox.due_receivers(tx, self._channel.name, self._micros())
            until: list[int] = []
            for receiver in receivers:
                if self._stopping or len(self._under_way) == AT_ONCE:
                    break
                if receiver not in self._under_way:
                    later = await self._begin(receiver, deliveries)
                    if later is not None:
                        until.append(later)
            async with self._database.read() as tx:
                next_due = await outbox.next_due_at(tx, self._channel.name, self._micros())
        except STORAGE_TROUBLE as error:
            log.server(logging.ERROR, f"{self._channel.name} waits for the database: {error}")
            return RETRY_S
        if next_due is not None:
            until.append(next_due)
        now = self._micros()
        pause_us = min(until, default=now + int(LONGEST_PAUSE_S) * SECOND_US) - now
        return min(max(pause_us / SECOND_US, 0.0), LONGEST_PAUSE_S)

    async def _begin(self, receiver: str, deliveries: asyncio.TaskGroup) -> int | None:
        """Start to send this receiver the next message, or return when to look again.

        That time is in microseconds.
        """
        now, meter = self._micros(), self._channel.meter
        paused_until = self._paused_until.get(receiver, 0)
        if paused_until > now:
            return paused_until
        most = letters_within(self._pace, meter.free())
        if most == 0:
            return meter.free_at(1 + self._pace.calls_a_letter)
        name = self._channel.name
        async with self._database.write() as tx:
            limit = self._pace.most_at_once
            waiting = await outbox.due(tx, name, receiver, now, limit)
            since = now - self._pace.window_s * SECOND_US
            sent = await outbox.sent_since(tx, name, receiver, since)
            urgent = sum(1 for _ in takewhile(lambda each: each.urgent, waiting))
            together = any(each.held_until for each in waiting)
            step = next_step(self._pace, sent, len(waiting), now, urgent=urgent, together=together)
            if isinstance(step, Hold):
                return step.until
            chosen = waiting[: min(step.count, most)]
            ids = await outbox.claim(
                tx, [each.id for each in chosen], now, now + LEASE_S * SECOND_US
            )
        claimed = [each for each in chosen if each.id in ids]
        if not claimed:
            return now
        meter.count()
        self._under_way.add(receiver)
        deliveries.create_task(self._deliver(receiver, claimed))
        return None

    async def _deliver(self, receiver: str, rows: Sequence[Delivery]) -> None:
        try:
            async with self._channel.editing or contextlib.nullcontext():
                failure = await attempt(self._database, self._channel, rows, self._micros)
            if failure is not None:
                await self._failed(receiver, rows, failure)
                return
            self._backoffs.pop(receiver, None)
            self._said.pop(receiver, None)
            self._paused_until.pop(receiver, None)
            self._count("sent", len(rows))
        finally:
            self._under_way.discard(receiver)
            self.wake()

    async def _failed(
        self, receiver: str, rows: Sequence[Delivery], failure: DeliveryFailed
    ) -> None:
        ids, reason = [row.id for row in rows], str(failure)
        self._metrics.delivery_failures.labels(channel=self._channel.name, kind=failure.kind).inc()
        if failure.permanent:
            self._count("failed", len(rows))
            self._say(f"given up: {reason}", rows)
            await self._persist(lambda tx: outbox.mark_failed(tx, ids, reason, failure.kind))
            return
        backoff = self._backoffs.get(receiver)
        if backoff is None:
            backoff = Backoff(self._first_backoff_s, LONGEST_BACKOFF_S, self._draw)
            self._backoffs[receiver] = backoff
        delay_s = max(backoff.failed(), failure.retry_after_s or 0.0)
        next_at = self._micros() + int(delay_s * SECOND_US)
        self._paused_until[receiver] = next_at
        self._count("retried", len(rows))
        # A receiver who stays down is no news each time.
        if self._said.get(receiver) != reason:
            self._said[receiver] = reason
            self._say(f"not delivered: {reason}; again in {delay_s:.1f} s", rows)

        async def put_back(tx: Transaction) -> None:
            await outbox.mark_for_retry(tx, ids, reason, next_at, failure.kind)
            late = await outbox.give_up(tx, self._channel.name, receiver, reason, self._micros())
            self._count("failed", late)

        await self._persist(put_back)

    async def _persist(self, work: Callable[[Transaction], Awaitable[object]]) -> None:
        await persist(self._database, self._channel.name, work)

    def _say(self, what: str, rows: Sequence[Delivery]) -> None:
        count = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        log.server(logging.WARNING, f"{self._channel.name} {rows[0].key}{count} {what}")

    def _count(self, outcome: str, rows: int) -> None:
        self._metrics.deliveries.labels(channel=self._channel.name, outcome=outcome).inc(rows)

    def _micros(self) -> int:
        return to_micros(self._now())
