"""What a route would have told of the last incidents, with each of its choices of when."""

import asyncio
from collections.abc import Sequence

import msgspec
from aiohttp import web

from server.keys import DATABASE
from server.notify.routing.routes import applies
from server.notify.summary.due import next_morning
from server.storage.database import Database
from server.storage.main import incident_users
from server.storage.main.notification_routes import RouteValues
from server.web.api.notification_routes import RouteBody, checked
from server.web.api.recent_incidents import recent_incidents
from server.web.requests import answer, read_body
from shared.incident import IncidentSummary

DAYS = 30
DEFAULT_COUNT = 10
"""Events, or users, that are tried if the route names no number."""


class RoutePreview(msgspec.Struct, frozen=True, kw_only=True):
    """Of how many `incidents` of the last `days` each choice would have told.

    `critical` ones wait for nothing, and are told at once with every choice but never. `count` is
    the number of events, and of users, that was tried. Those of `daily` come in `mornings`
    messages.
    """

    days: int
    incidents: int
    critical: int
    count: int
    at_once: int
    after_events: int
    after_users: int
    daily: int
    mornings: int
    never: int = 0


async def preview_route(request: web.Request) -> web.Response:
    """``POST /api/routes/preview``: changes nothing."""
    return answer(await preview(request, await read_body(request, RouteBody)))


async def preview(request: web.Request, body: RouteBody) -> RoutePreview:
    """Return what this route, alone, would have told with each choice; or answer 400."""
    database = request.app[DATABASE]
    async with database.read() as tx:
        values = await checked(request, tx, body)
    return await _preview(database, values)


async def _preview(database: Database, route: RouteValues) -> RoutePreview:
    count = DEFAULT_COUNT
    if route.timing is not None and route.timing.count is not None:
        count = route.timing.count
    found: list[IncidentSummary] = []
    async for some in recent_incidents(database, DAYS):
        # In a thread: paths are compared with every frame, and webhooks cannot wait for that.
        found += await asyncio.to_thread(_matching, route, some)
    async with database.read() as tx:
        users = await incident_users.counts(tx, [each.incident_id for each in found])
    critical = [each for each in found if each.severity == "critical"]
    can_wait = [each for each in found if each.severity != "critical"]
    often = [each for each in can_wait if each.event_count >= count]
    widely = [each for each in can_wait if users[each.incident_id] >= count]
    return RoutePreview(
        days=DAYS,
        incidents=len(found),
        critical=len(critical),
        count=count,
        at_once=len(found),
        after_events=len(critical) + len(often),
        after_users=len(critical) + len(widely),
        daily=len(found),
        mornings=len({next_morning(each.start_time) for each in can_wait}),
    )


def _matching(route: RouteValues, some: Sequence[IncidentSummary]) -> list[IncidentSummary]:
    return [each for each in some if applies(route, each)]
