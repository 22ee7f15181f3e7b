"""Say who would hear of an incident if it opened now: by the same plan as if it did."""

import msgspec

from server.notify.audience import read_audience
from server.notify.batch import plan_news, routed_by
from server.notify.news import IncidentNews
from server.notify.noise import noise_in, said_in_short
from server.notify.outlets import Outlets
from server.notify.planning.plan import Plan
from server.notify.routing.routed import AT_ONCE, holds
from server.notify.routing.routes import applying
from server.notify.working_hours import hold
from server.settings.settings import MinSeverity
from server.storage.database import Transaction
from server.storage.main import people
from server.storage.main.notification_routes import Route, Timing
from server.storage.main.people import Person
from shared.incident import IncidentSummary


class WhoHears(msgspec.Struct, frozen=True, kw_only=True):
    """Who would hear of an incident, and when.

    `routes` are those that apply to it, in order, and `timing` what they say about when. `plan` is
    about those who hear of it then, some in their working hours only. With a `noise_filter`, given
    in words, nobody does.
    """

    everyone: list[Person]
    routes: list[Route]
    timing: Timing
    noise_filter: str | None
    plan: Plan


async def who_hears(
    tx: Transaction, incident: IncidentSummary, *, floor: MinSeverity, outlets: Outlets, now: int
) -> WhoHears:
    """Return who would hear of this incident if it opened now (microseconds)."""
    everyone = await people.everyone(tx)
    audience = await read_audience(tx, everyone, floor=floor, outlets=outlets, now=now)
    news = IncidentNews(change="opened", incident=incident)
    found = noise_in(incident, audience.filters)
    timing = routed_by(news, audience).timing
    plan = plan_news(news, audience, may_wait=False) if found is None else Plan()
    plan.deliveries = hold(plan.deliveries, everyone, now)
    return WhoHears(
        everyone=everyone,
        routes=applying(audience.routes, incident),
        timing=timing if holds(timing, incident) else AT_ONCE,
        noise_filter=None if found is None else said_in_short(found),
        plan=plan,
    )
