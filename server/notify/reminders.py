"""Tell people again of an incident that nobody acknowledges, and then tell others."""

from collections.abc import Callable
from datetime import UTC, datetime

from server.notify.live import Live
from server.notify.news import IncidentNews
from server.notify.plan import Heard, Outlets, Plan, plan_handing_on, plan_reminder
from server.notify.ring import ring
from server.notify.turns import take_turns
from server.notify.working_hours import hold
from server.settings.reminding import MinutesBySeverity, Reminding
from server.storage.database import Database, Transaction
from server.storage.main import incidents, notifications, outbox, people, unacknowledged
from server.storage.main.incidents import StoredIncident
from server.storage.main.notifications import Change
from server.storage.main.unacknowledged import Step
from server.storage.times import from_micros, to_micros
from server.wording.explain import explain_incident
from server.wording.formats import lasted

TURN_S = 5.0
AT_ONCE = 50
"""Incidents in one transaction."""


class Reminders:
    """Looks now and then for what is due, and tells it in one transaction.

    It calls `posted` when there is something new in the outbox.
    """

    def __init__(
        self,
        database: Database,
        live: Live,
        outlets: Outlets,
        reminding: Reminding,
        posted: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._live = live
        self._outlets = outlets
        self._reminding = reminding
        self._posted = posted
        self._now = now

    async def run(self) -> None:
        """Take turns until cancelled."""
        await take_turns("reminders of incidents", self.turn, TURN_S)

    async def turn(self) -> None:
        """Tell what is due. Raises what the database raises; then nobody is told."""
        now = to_micros(self._now())
        async with self._database.read() as tx:
            if not await self._due(tx, now):
                return
        async with self._database.write() as tx:
            plans = [
                await self._tell(tx, incident_id, step, now)
                for incident_id, step in await self._due(tx, now)
            ]
        ring(plans, self._live, self._posted)

    async def _due(self, tx: Transaction, now: int) -> list[tuple[str, Step]]:
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

    async def _tell(self, tx: Transaction, incident_id: str, step: Step, now: int) -> Plan:
        stored = await incidents.get(tx, incident_id)
        since = await unacknowledged.told_since(tx, incident_id)
        await unacknowledged.done(tx, incident_id, step, now)
        if stored is None or since is None:
            return Plan()
        waited = lasted(from_micros(since), from_micros(now))
        about = f"Nobody has acknowledged it for {waited}."
        news = _news(stored, step, about)
        await incidents.add_change(tx, incident_id, stored.changed_seq, step, now, about)
        everyone = await people.everyone(tx)
        if step == "handed_on":
            plan = plan_handing_on(news, self._reminding.escalate_to, self._outlets)
        else:
            heard = Heard(
                await notifications.people_told(tx, incident_id),
                await outbox.receivers_told(tx, incident_id),
            )
            plan = plan_reminder(news, people=everyone, outlets=self._outlets, heard=heard)
        told = Change(
            incident_id=incident_id,
            seq=stored.changed_seq,
            change=step,
            title=stored.summary.title,
            at=now,
        )
        await notifications.add_instead(tx, told, plan.people)
        await outbox.add(tx, hold(plan.deliveries, everyone, now), now)
        return plan


def _news(stored: StoredIncident, step: Step, about: str) -> IncidentNews:
    return IncidentNews(
        change=step,
        incident=stored.summary,
        seq=stored.changed_seq,
        why=explain_incident(stored.summary),
        waited=about,
    )
