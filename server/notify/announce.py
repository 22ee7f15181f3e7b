"""Carries plans out: bells, outbox and who is not told, in the transaction of what they tell."""

from collections.abc import Callable
from datetime import datetime

from server.notify.news import IncidentNews
from server.notify.noise import is_partly_noise, noise_in
from server.notify.plan import (
    Heard,
    Outlets,
    Plan,
    plan_change,
    plan_end,
    plan_push,
    plan_verdict,
)
from server.settings.settings import MinSeverity
from server.storage.database import Transaction
from server.storage.main import incidents, noise, not_told, notifications, outbox, people
from server.storage.main.not_told import NotTold
from server.storage.times import to_micros
from server.wording.explain import explain_incident
from shared.event import ChangeWindow
from shared.pipe import DeployVerdict, Incident, IncidentEnded


class Announcer:
    """Decides nothing by itself: who hears what is in `plan`, `recipients` and `noise`.

    Each method answers whose bell rings and what goes outside once the transaction is committed.
    """

    def __init__(
        self,
        floor: MinSeverity,
        outlets: Outlets,
        now: Callable[[], datetime],
    ) -> None:
        self._floor = floor
        self._outlets = outlets
        self._now = now

    async def change(self, tx: Transaction, incident: Incident) -> Plan:
        """Tell that the incident opened or got worse, unless it is noise.

        When an issue joins one that was noise so far, and is none itself, the incident is news.
        """
        filters = await noise.enabled(tx)
        match incident.change:
            case "opened" | "escalated":
                change = incident.change
            case "joined" if is_partly_noise(incident, filters):
                heard = await _heard(tx, incident.incident_id)
                if heard.people or heard.outside:
                    return Plan()
                change = "opened"
            case _:
                return Plan()
        at = to_micros(incident.last_seen)
        filtered = noise_in(incident, filters)
        if filtered is not None:
            await noise.count(tx, filtered.id, incident.incident_id, at)
            kept = NotTold(way="any", reason="noise_filter", detail=filtered.pattern)
            plan = Plan(not_told=[kept])
        else:
            plan = plan_change(
                IncidentNews(
                    change=change,
                    incident=incidents.summary_of(incident),
                    seq=incident.seq,
                    why=explain_incident(incident),
                ),
                incident.seq,
                people=await people.everyone(tx),
                floor=self._floor,
                outlets=self._outlets,
            )
        await self._carry_out(
            tx, plan, incident.incident_id, incident.seq, change, incident.title, at
        )
        return plan

    async def end(self, tx: Transaction, ended: IncidentEnded) -> Plan:
        """Tell those who heard of the incident that it is over."""
        stored = await incidents.get(tx, ended.incident_id)
        if stored is None:
            return Plan()
        news = IncidentNews(
            change="ended",
            incident=stored.summary,
            seq=stored.changed_seq,
            why=explain_incident(stored.summary),
            ended_at=ended.time,
            end_reason=ended.reason,
        )
        plan = plan_end(
            news,
            people=await people.everyone(tx),
            outlets=self._outlets,
            heard=await _heard(tx, ended.incident_id),
        )
        title, at = stored.summary.title, to_micros(ended.time)
        await self._carry_out(tx, plan, ended.incident_id, 0, "ended", title, at)
        return plan

    async def push(
        self, tx: Transaction, seq: int, service: str, environment: str, window: ChangeWindow
    ) -> Plan:
        """Tell of a push, where the window says that one brought it."""
        if window.push is None:
            return Plan()
        deliveries = plan_push(seq, service, environment, window, window.push, self._outlets)
        return await self._post(tx, Plan(deliveries=list(deliveries)))

    async def verdict(self, tx: Transaction, verdict: DeployVerdict) -> Plan:
        """Tell what a deploy did."""
        return await self._post(tx, Plan(deliveries=list(plan_verdict(verdict, self._outlets))))

    async def _carry_out(
        self,
        tx: Transaction,
        plan: Plan,
        incident_id: str,
        seq: int,
        change: str,
        title: str,
        at: int,
    ) -> None:
        for person_id in plan.people:
            await notifications.add(
                tx,
                person_id=person_id,
                incident_id=incident_id,
                seq=seq,
                change=change,
                title=title,
                created_at=at,
            )
        await not_told.add(tx, incident_id, seq, change, at, plan.not_told)
        await self._post(tx, plan)

    async def _post(self, tx: Transaction, plan: Plan) -> Plan:
        now = to_micros(self._now())
        for delivery in plan.deliveries:
            await outbox.add(tx, delivery, now)
        return plan


async def _heard(tx: Transaction, incident_id: str) -> Heard:
    return Heard(
        await notifications.people_told(tx, incident_id),
        await outbox.receivers_told(tx, incident_id),
    )
