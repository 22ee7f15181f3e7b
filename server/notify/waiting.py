"""Tell people of incidents that a route let wait, once there is what they wait for."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from server.notify.audience import read_audience
from server.notify.batch import plan_news
from server.notify.due_teller import AT_ONCE, DueTeller
from server.notify.live import Live
from server.notify.news import news_of
from server.notify.noise import noise_in
from server.notify.outlets import Outlets
from server.notify.planning.plan import Plan, change_of
from server.settings.settings import MinSeverity
from server.storage.database import Database, Transaction
from server.storage.main import (
    incidents,
    waiting_incidents,
)
from server.storage.main.people import Person


class WaitingTeller(DueTeller[str]):
    """Tells that incidents opened, which are given by their ids.

    Those of a morning come in one message to each receiver.
    """

    def __init__(
        self,
        database: Database,
        live: Live,
        outlets: Outlets,
        floor: MinSeverity,
        posted: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(database, live, outlets, posted, now)
        self._floor = floor

    async def due(self, tx: Transaction, now: int) -> Sequence[str]:
        """Return the incidents that have waited long enough."""
        return await waiting_incidents.due(tx, now, AT_ONCE)

    async def plan(self, tx: Transaction, due: str, everyone: Sequence[Person], now: int) -> Plan:
        """Return who is told that this incident opened."""
        stored = await incidents.get(tx, due)
        wait = await waiting_incidents.end(tx, due)
        audience = await read_audience(
            tx, everyone, floor=self._floor, outlets=self.outlets, now=now
        )
        if stored is None or wait is None or noise_in(stored.summary, audience.filters) is not None:
            return Plan()
        news = news_of(stored, "opened")
        plan = plan_news(news, audience, may_wait=False)
        if wait.until is not None:
            plan.deliveries = [replace(each, held_until=now) for each in plan.deliveries]
        plan.of = change_of(news, seq=news.seq, at=now)
        return plan
