"""Tell people who heard of an incident which new errors joined it: together, and calmly.

A minute after the first of them people hear of all that joined by then, and the next time ten
minutes later at the soonest. News that the incident got worse or ended names them too; then they
are told already.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from server.notify.due_teller import AT_ONCE, DueTeller
from server.notify.heard import heard_before
from server.notify.news import news_of
from server.notify.noise import noise_in_text
from server.notify.planning.incidents import plan_follow_up
from server.notify.planning.plan import Plan, change_of
from server.storage.database import Transaction
from server.storage.main import incidents, joined_issues, noise
from server.storage.main.incidents import StoredIncident
from server.storage.main.joined_issues import JoinedIssue
from server.storage.main.noise import NoiseFilter
from server.storage.main.people import Person
from server.wording.joined import names_of, title_of

GATHER_S = 60
"""So long people wait to hear of the first, as more may follow."""

EVERY_S = 600
"""People hear of new errors in one incident at most this often."""


class JoinedTeller(DueTeller[str]):
    """Tells of new errors in incidents, which are given by their ids."""

    async def due(self, tx: Transaction, now: int) -> Sequence[str]:
        """Return the incidents with new errors to be told of."""
        return await joined_issues.due(
            tx,
            joined_by=now - GATHER_S * 1_000_000,
            told_by=now - EVERY_S * 1_000_000,
            limit=AT_ONCE,
        )

    async def plan(self, tx: Transaction, due: str, everyone: Sequence[Person], now: int) -> Plan:
        """Return who is told of the new errors in this incident."""
        stored = await incidents.get(tx, due)
        filters = await noise.in_force(tx, now)
        joined = await joined_issues.untold(tx, due)
        await joined_issues.mark_told(tx, due, now)
        if stored is None or not (news := _without_noise(joined, stored, filters)):
            return Plan()
        told = replace(news_of(stored, "joined"), joined=names_of(news))
        plan = plan_follow_up(
            told,
            told.seq,
            people=everyone,
            outlets=self.outlets,
            heard=await heard_before(tx, due),
        )
        plan.of = change_of(told, seq=told.seq, at=now, title=title_of(news))
        return plan


def _without_noise(
    joined: Sequence[JoinedIssue], stored: StoredIncident, filters: Sequence[NoiseFilter]
) -> list[JoinedIssue]:
    return [
        each
        for each in joined
        if noise_in_text(f"{each.exception_type}: {each.message}", stored.summary, filters) is None
    ]
