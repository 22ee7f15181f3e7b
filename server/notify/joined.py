"""Tell people who heard of an incident which new errors joined it: together, and calmly.

A minute after the first of them people hear of all that joined by then, and the next time ten
minutes later at the soonest. News that the incident got worse or ended names them too; then they
are told already.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from server.notify.live import Live
from server.notify.news import IncidentNews
from server.notify.noise import noise_in_text
from server.notify.plan import Heard, Outlets, Plan, plan_joined
from server.notify.ring import ring
from server.notify.turns import take_turns
from server.notify.working_hours import hold
from server.storage.database import Database, Transaction
from server.storage.main import incidents, joined_issues, noise, notifications, outbox, people
from server.storage.main.incidents import StoredIncident
from server.storage.main.joined_issues import JoinedIssue
from server.storage.main.noise import NoiseFilter
from server.storage.main.notifications import Change
from server.storage.times import to_micros
from server.wording.explain import explain_incident
from server.wording.joined import names_of, title_of

GATHER_S = 60
"""So long people wait to hear of the first, as more may follow."""

EVERY_S = 600
"""People hear of new errors in one incident at most this often."""

TURN_S = 5.0
AT_ONCE = 50
"""Incidents in one transaction."""


class JoinedTeller:
    """Looks now and then for what is due, and tells it in one transaction.

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
        self._database = database
        self._live = live
        self._outlets = outlets
        self._posted = posted
        self._now = now

    async def run(self) -> None:
        """Take turns until cancelled."""
        await take_turns("new errors in incidents", self.turn, TURN_S)

    async def turn(self) -> None:
        """Tell what is due. Raises what the database raises; then nobody is told."""
        now = to_micros(self._now())
        async with self._database.read() as tx:
            due = await _due(tx, now)
        if not due:
            return
        async with self._database.write() as tx:
            plans = [await self._tell(tx, each, now) for each in await _due(tx, now)]
        ring(plans, self._live, self._posted)

    async def _tell(self, tx: Transaction, incident_id: str, now: int) -> Plan:
        stored = await incidents.get(tx, incident_id)
        filters = await noise.in_force(tx, now)
        joined = await joined_issues.untold(tx, incident_id)
        await joined_issues.mark_told(tx, incident_id, now)
        if stored is None or not (news := _without_noise(joined, stored, filters)):
            return Plan()
        heard = Heard(
            await notifications.people_told(tx, incident_id),
            await outbox.receivers_told(tx, incident_id),
        )
        everyone = await people.everyone(tx)
        plan = plan_joined(
            IncidentNews(
                change="joined",
                incident=stored.summary,
                seq=stored.changed_seq,
                why=explain_incident(stored.summary),
                acknowledged_by=stored.acknowledged_by,
                joined=names_of(news),
            ),
            people=everyone,
            outlets=self._outlets,
            heard=heard,
        )
        told = Change(
            incident_id=incident_id,
            seq=stored.changed_seq,
            change="joined",
            title=title_of(news),
            at=now,
        )
        await notifications.add_instead(tx, told, plan.people)
        await outbox.add(tx, hold(plan.deliveries, everyone, now), now)
        return plan


async def _due(tx: Transaction, now: int) -> list[str]:
    return await joined_issues.due(
        tx,
        joined_by=now - GATHER_S * 1_000_000,
        told_by=now - EVERY_S * 1_000_000,
        limit=AT_ONCE,
    )


def _without_noise(
    joined: Sequence[JoinedIssue], stored: StoredIncident, filters: Sequence[NoiseFilter]
) -> list[JoinedIssue]:
    return [
        each
        for each in joined
        if noise_in_text(f"{each.exception_type}: {each.message}", stored.summary, filters) is None
    ]
