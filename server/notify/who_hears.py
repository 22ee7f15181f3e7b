"""Say who would hear of an incident if it opened now: by the same plan as if it did."""

import msgspec

from server.notify.batch import Audience, plan_news, routed_by
from server.notify.news import IncidentNews
from server.notify.noise import noise_in, said_in_short
from server.notify.outlets import Outlets
from server.notify.planning.plan import Plan
from server.notify.routing.routed import AT_ONCE, holds
from server.notify.routing.routes import applying
from server.notify.working_hours import hold
from server.settings.settings import MinSeverity
from server.storage.database import Transaction
from server.storage.main import noise, notification_routes, people
from server.storage.main.notification_routes import Route, Timing
from server.storage.main.outbox import NewDelivery
from server.storage.main.people import Person
from shared.incident import IncidentSummary


class WhoHears(msgspec.Struct, frozen=True, kw_only=True):
    """Who would hear of an incident, and when.

    `routes` are those that apply to it, in order, and `timing` what they say about when. `plan` is
    about those who hear of it then. With a `noise_filter`, given in words, nobody does. `held` are
    the mails that wait for somebody's working hours.
    """

    everyone: list[Person]
    routes: list[Route]
    timing: Timing
    noise_filter: str | None
    plan: Plan
    held: list[NewDelivery]


async def who_hears(
    tx: Transaction, incident: IncidentSummary, *, floor: MinSeverity, outlets: Outlets, now: int
) -> WhoHears:
    """Return who would hear of this incident if it opened now (microseconds)."""
    routes = await notification_routes.in_force(tx)
    audience = Audience(
        people=await people.everyone(tx),
        filters=await noise.in_force(tx, now),
        routes=routes,
        floor=floor,
        outlets=outlets,
    )
    news = IncidentNews(change="opened", incident=incident)
    found = noise_in(incident, audience.filters)
    timing = routed_by(news, audience).timing
    plan = plan_news(news, audience, may_wait=False) if found is None else Plan()
    return WhoHears(
        everyone=[*audience.people],
        routes=applying(routes, incident),
        timing=timing if holds(timing, incident) else AT_ONCE,
        noise_filter=None if found is None else said_in_short(found),
        plan=plan,
        held=[each for each in hold(plan.deliveries, audience.people, now) if each.held_until],
    )
