"""Tell people of incidents that a route let wait, once there is what they wait for."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from server.notify.batch import Audience, plan_news
from server.notify.due_teller import AT_ONCE, DueTeller
from server.notify.live import Live
from server.notify.news import IncidentNews
from server.notify.noise import noise_in
from server.notify.outlets import Outlets
from server.notify.planning.plan import Plan
from server.settings.settings import MinSeverity
from server.storage.database import Database, Transaction
from server.storage.main import (
    incidents,
    noise,
    not_told,
    notification_routes,
    unacknowledged,
    waiting_incidents,
)
from server.storage.main.notifications import Change
from server.storage.main.people import Person
from server.wording.explain import explain_incident


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
        filters = await noise.in_force(tx, now)
        if stored is None or wait is None or noise_in(stored.summary, filters) is not None:
            return Plan()
        audience = Audience(
            people=everyone,
            filters=filters,
            routes=await notification_routes.in_force(tx),
            floor=self._floor,
            outlets=self.outlets,
        )
        news = IncidentNews(
            change="opened",
            incident=stored.summary,
            seq=stored.changed_seq,
            why=explain_incident(stored.summary),
            ended_at=stored.ended_at,
            end_reason=stored.end_reason,
            acknowledged_by=stored.acknowledged_by,
        )
        plan = plan_news(news, audience, may_wait=False)
        if wait.until is not None:
            plan.deliveries = [replace(each, held_until=now) for each in plan.deliveries]
        plan.of = Change(
            incident_id=due,
            seq=stored.changed_seq,
            change="opened",
            title=stored.summary.title,
            at=now,
        )
        if plan.people or plan.deliveries:
            await unacknowledged.told(tx, due, now)
        await not_told.add(tx, due, stored.changed_seq, "opened", now, plan.not_told)
        return plan
