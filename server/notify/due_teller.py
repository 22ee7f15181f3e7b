"""Tell what is due at a time, and not because of an entry: the part that is the same for all."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from server.notify.live import Live
from server.notify.outcome import note_outcome
from server.notify.outlets import Outlets
from server.notify.planning.plan import Plan
from server.notify.ring import ring
from server.notify.turns import take_turns
from server.notify.working_hours import hold
from server.storage.database import Database, Transaction
from server.storage.main import notifications, outbox, people
from server.storage.main.people import Person
from server.storage.times import to_micros

TURN_S = 5.0
AT_ONCE = 50
"""Incidents in one transaction, of each kind of news."""

Due = TypeVar("Due")


class Tellers:
    """Looks now and then for what any of `tellers` has to tell, in one transaction for all."""

    def __init__(self, database: Database, tellers: Sequence["DueTeller[Any]"]) -> None:
        self._database = database
        self._tellers = tellers

    async def run(self) -> None:
        """Take turns until cancelled."""
        await take_turns("incidents that are due", self.turn, TURN_S)

    async def turn(self) -> None:
        """Tell what is due. Raises what the database raises; what is left comes the next time."""
        for each in await self._database.read_at_once(self._due):
            await each.tell()

    async def _due(self, tx: Transaction) -> list["DueTeller[Any]"]:
        return [each for each in self._tellers if await each.is_due(tx)]


class DueTeller(ABC, Generic[Due]):
    """Tells what is due, in one transaction.

    It calls `posted` when there is something new in the outbox.
    """

    def __init__(
        self,
        database: Database,
        live: Live,
        outlets: Outlets,
        posted: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.outlets = outlets
        self._database = database
        self._live = live
        self._posted = posted
        self._now = now

    async def is_due(self, tx: Transaction) -> bool:
        """Return whether there is something to tell."""
        return bool(await self.due(tx, to_micros(self._now())))

    async def tell(self) -> None:
        """Tell what is due. Raises what the database raises; then nobody is told."""
        now = to_micros(self._now())
        async with self._database.write() as tx:
            everyone = await people.everyone(tx)
            plans = [await self._tell(tx, each, everyone, now) for each in await self.due(tx, now)]
        ring(plans, self._live, self._posted)

    @abstractmethod
    async def due(self, tx: Transaction, now: int) -> Sequence[Due]:
        """Return what is due at `now` (microseconds), the longest waiting first."""

    @abstractmethod
    async def plan(self, tx: Transaction, due: Due, everyone: Sequence[Person], now: int) -> Plan:
        """Return who is told of it, and note that it is done."""

    async def _tell(self, tx: Transaction, due: Due, everyone: Sequence[Person], now: int) -> Plan:
        plan = await self.plan(tx, due, everyone, now)
        if plan.of is not None:
            await notifications.add_instead(tx, plan.of, plan.people)
            await note_outcome(tx, plan, plan.of, now)
            await outbox.add(tx, hold(plan.deliveries, everyone, now), now)
        return plan
