"""Tell people again of an incident that nobody acknowledges, and then tell others."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from server.notify.due_teller import AT_ONCE, DueTeller
from server.notify.heard import heard_before
from server.notify.live import Live
from server.notify.news import news_of
from server.notify.outlets import Outlets
from server.notify.planning.incidents import plan_follow_up, plan_handing_on
from server.notify.planning.plan import Plan, change_of
from server.settings.reminding import MinutesBySeverity, Reminding
from server.storage.database import Database, Transaction
from server.storage.main import incidents, unacknowledged
from server.storage.main.people import Person
from server.storage.main.unacknowledged import Step
from server.storage.times import from_micros
from server.wording.formats import lasted


class Reminders(DueTeller[tuple[str, Step]]):
    """Reminds of incidents, which are given by their ids, and hands them on."""

    def __init__(
        self,
        database: Database,
        live: Live,
        outlets: Outlets,
        reminding: Reminding,
        posted: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(database, live, outlets, posted, now)
        self._reminding = reminding

    async def due(self, tx: Transaction, now: int) -> Sequence[tuple[str, Step]]:
        """Return which incidents waited too long, and for what."""
        steps: tuple[tuple[Step, MinutesBySeverity], ...] = (
            ("reminded", self._reminding.remind_after_min),
            ("handed_on", self._reminding.escalate_after_min),
        )
        return [
            (incident_id, step)
            for step, after_min in steps
            for severity, minutes in after_min.items()
            for incident_id in await unacknowledged.due(
                tx, step, severity, now - minutes * 60_000_000, AT_ONCE
            )
        ]

    async def plan(
        self, tx: Transaction, due: tuple[str, Step], everyone: Sequence[Person], now: int
    ) -> Plan:
        """Return who is reminded of this incident, or who else is told."""
        incident_id, step = due
        stored = await incidents.get(tx, incident_id)
        since = await unacknowledged.told_since(tx, incident_id)
        await unacknowledged.done(tx, incident_id, step, now)
        if stored is None or since is None:
            return Plan()
        about = f"Nobody has acknowledged it for {lasted(from_micros(since), from_micros(now))}."
        await incidents.add_change(tx, incident_id, stored.changed_seq, step, now, about)
        news = replace(news_of(stored, step), waited=about)
        if step == "handed_on":
            plan = plan_handing_on(news, self._reminding.escalate_to, self.outlets)
        else:
            heard = await heard_before(tx, incident_id)
            plan = plan_follow_up(
                news, news.seq, people=everyone, outlets=self.outlets, heard=heard
            )
        plan.of = change_of(news, seq=news.seq, at=now)
        return plan
