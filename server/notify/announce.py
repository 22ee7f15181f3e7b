"""Plan who is told about a batch, and write it: bells, outbox, and who is not told and why.

All of this is in the transaction of what it tells, so that neither exists without the other.
"""

from collections.abc import Iterable, Sequence

from server.notify.audience import Audience, read_audience
from server.notify.batch import Fixed, Happened, Over, plan_all
from server.notify.heard import heard_before
from server.notify.noise import is_partly_noise
from server.notify.outcome import note_outcome
from server.notify.outlets import Outlets
from server.notify.planning.plan import Heard, Plan
from server.notify.routing.routed import wait_of
from server.notify.suspicions import strong_suspects, suspicions
from server.notify.working_hours import hold
from server.settings.settings import MinSeverity
from server.storage.database import Transaction
from server.storage.main import (
    joined_issues,
    noise,
    notifications,
    outbox,
    people,
    waiting_incidents,
)
from server.storage.main.joined_issues import JoinedIssue
from server.storage.main.notification_routes import Timing
from server.storage.main.people import Person
from server.storage.times import from_micros
from shared.pipe import Incident


async def announce(
    tx: Transaction,
    happened: Sequence[Happened],
    *,
    floor: MinSeverity,
    outlets: Outlets,
    tell_authors_from: float,
    now: int,
) -> list[Plan]:
    """Tell people what happened; return the plans as they were written.

    The authors of commits are told from a confidence of `tell_authors_from` (0-1) on.
    """
    happened = [each for each in happened if _may_be_told(each, tell_authors_from)]
    if not happened:
        return []
    everyone = await people.everyone(tx)
    audience = await read_audience(tx, everyone, floor=floor, outlets=outlets, now=now)
    heard = await _heard_before(tx, happened, audience)
    joined = await _joined_before(tx, happened)
    suspected = await suspicions(tx, happened, audience.people, tell_authors_from)
    to_tell = [incident_id for incident_id, each in suspected.items() if each]
    for incident_id in await waiting_incidents.among(tx, to_tell):
        del suspected[incident_id]
    plans = plan_all(happened, audience, heard, joined, suspected)
    await _write(tx, plans, audience.people, now)
    for incident_id in joined:
        await joined_issues.mark_told(tx, incident_id, now)
    return plans


def _may_be_told(happened: Happened, tell_authors_from: float) -> bool:
    """Return False for counts that went on, which nobody hears of but authors under suspicion."""
    match happened:
        case Incident(change="updated"):
            return bool(strong_suspects(happened, tell_authors_from))
    return True


async def _heard_before(
    tx: Transaction, happened: Iterable[Happened], audience: Audience
) -> dict[str, Heard]:
    """Return who was told before this batch about each incident for which that matters."""
    heard = {}
    for each in happened:
        match each:
            case Over(stored=stored) | Fixed(stored=stored):
                incident_id = stored.summary.incident_id
            case Incident(change="joined") if is_partly_noise(each, audience.filters):
                incident_id = each.incident_id
            case Incident(change="escalated") if audience.routes:
                incident_id = each.incident_id
            case _:
                continue
        heard[incident_id] = await heard_before(tx, incident_id)
    return heard


async def _joined_before(
    tx: Transaction, happened: Iterable[Happened]
) -> dict[str, list[JoinedIssue]]:
    """Return what joined incidents that got worse or ended, and nobody was told of."""
    joined = {}
    for each in happened:
        match each:
            case Incident(change="escalated", incident_id=incident_id):
                pass
            case Over(stored=stored):
                incident_id = stored.summary.incident_id
            case _:
                continue
        if untold := await joined_issues.untold(tx, incident_id):
            joined[incident_id] = untold
    return joined


async def _let_wait(tx: Transaction, incident_id: str, timing: Timing, now: int) -> None:
    wait = wait_of(timing, from_micros(now))
    if wait is not None:
        await waiting_incidents.add(tx, incident_id, wait)


async def _write(
    tx: Transaction, plans: Iterable[Plan], everyone: Sequence[Person], now: int
) -> None:
    for plan in plans:
        told = plan.of
        if told is not None:
            await notifications.add(tx, told, plan.people)
            if plan.waits is not None:
                await _let_wait(tx, told.incident_id, plan.waits, now)
            elif told.change == "ended":
                await waiting_incidents.end_counting(tx, told.incident_id)
            await note_outcome(tx, plan, told, now)
            if plan.held_back_by is not None:
                await noise.count(tx, plan.held_back_by.id, told.incident_id, told.at)
    deliveries = [each for plan in plans for each in plan.deliveries]
    await outbox.add(tx, hold(deliveries, everyone, now), now)
