"""The API of the routes: who is told of which incidents, and when."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import DATABASE, SETTINGS
from server.notify.channels import outlets_of
from server.notify.outlets import Outlets
from server.storage.database import Transaction
from server.storage.main import notification_routes, people
from server.storage.main.notification_routes import (
    OtherRoutes,
    Route,
    RouteTarget,
    RouteValues,
    Timing,
)
from server.web.api.incident_wishes import name_of_asker
from server.web.requests import Removed, answer, read_body
from server.wording.routes import say_target
from shared.event import Severity
from shared.incident import Trigger
from shared.structs import made_of

MOST_NAMED = 100
"""People, and targets, that a route may name."""
MOST_ROUTES = 200

_Place = Annotated[str, Meta(max_length=128)]


class RouteBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The new values of a route: which incidents it is for, and what it decides.

    In `service` and `environment`, ``*`` stands for any characters; empty means all. `severity` is
    the least one. `path` is a pattern for the files of the stack trace, as in a CODEOWNERS file.
    `people` are ids. Null in `timing`, `people` or `targets` leaves that to later routes.
    """

    service: _Place = ""
    environment: _Place = ""
    severity: Severity | None = None
    trigger: Trigger | None = None
    path: Annotated[str, Meta(max_length=500)] = ""
    timing: Timing | None = None
    people: Annotated[list[int], Meta(max_length=MOST_NAMED)] | None = None
    targets: Annotated[list[RouteTarget], Meta(max_length=MOST_NAMED)] | None = None
    about: Annotated[str, Meta(max_length=500)] = ""
    enabled: bool = True

    def __post_init__(self) -> None:
        if self.timing is None and self.people is None and self.targets is None:
            raise ValueError("a route must decide something: `timing`, `people` or `targets`")
        if self.people == [] and self.targets == []:
            raise ValueError(
                'a route to no people and no targets tells nobody: say `"timing": '
                '{"when": "never"}`'
            )
        if self.path and not self.path.strip("/*"):
            raise ValueError(f"a `path` must name a file or a folder, not {self.path!r}")


class OrderBody(msgspec.Struct, forbid_unknown_fields=True):
    """The ids of all routes, in the order in which they are to be read."""

    ids: list[int]


class RouteList(msgspec.Struct):
    """All routes, in order."""

    routes: list[Route]


async def list_routes(request: web.Request) -> web.Response:
    """``GET /api/routes``."""
    async with request.app[DATABASE].read() as tx:
        return answer(RouteList(await notification_routes.everything(tx)))


async def add_route(request: web.Request) -> web.Response:
    """``POST /api/routes``."""
    return answer(await add(request, await read_body(request, RouteBody)), status=201)


async def change_route(request: web.Request) -> web.Response:
    """``PUT /api/routes/{id}``: keeps the route's place."""
    return answer(await change(request, await read_body(request, RouteBody)))


async def remove_route(request: web.Request) -> web.Response:
    """``DELETE /api/routes/{id}``."""
    return answer(Removed(await remove(request)))


async def order_routes(request: web.Request) -> web.Response:
    """``PUT /api/routes/order``."""
    body = await read_body(request, OrderBody)
    try:
        async with request.app[DATABASE].write() as tx:
            await notification_routes.put_in_order(tx, body.ids)
            return answer(RouteList(await notification_routes.everything(tx)))
    except OtherRoutes as error:
        raise web.HTTPConflict(text="`ids` must name each route once.") from error


async def add(request: web.Request, body: RouteBody) -> Route:
    """Add a route after all others; or answer 400 or 409."""
    async with request.app[DATABASE].write() as tx:
        values = await checked(request, tx, body)
        if len(await notification_routes.everything(tx)) >= MOST_ROUTES:
            raise web.HTTPConflict(text=f"There are {MOST_ROUTES} routes, which is the limit.")
        return await notification_routes.add(tx, values, await name_of_asker(tx, request))


async def change(request: web.Request, body: RouteBody) -> Route:
    """Change the route that the address names, or answer 400 or 404."""
    route_id = int(request.match_info["id"])
    async with request.app[DATABASE].write() as tx:
        values = await checked(request, tx, body)
        await notification_routes.change(tx, route_id, values)
        changed = await notification_routes.get(tx, route_id)
    if changed is None:
        raise _none_at(route_id)
    return changed


async def remove(request: web.Request) -> int:
    """Remove the route that the address names, and return its id; or answer 404."""
    route_id = int(request.match_info["id"])
    async with request.app[DATABASE].write() as tx:
        if not await notification_routes.remove(tx, route_id):
            raise _none_at(route_id)
    return route_id


async def move_up(request: web.Request) -> None:
    """Move the route that the address names before the one before it; or answer 404."""
    route_id = int(request.match_info["id"])
    async with request.app[DATABASE].write() as tx:
        ids = [each.id for each in await notification_routes.everything(tx)]
        if route_id not in ids:
            raise _none_at(route_id)
        at = ids.index(route_id)
        before = max(at - 1, 0)
        ids[before], ids[at] = ids[at], ids[before]
        await notification_routes.put_in_order(tx, ids)


async def checked(request: web.Request, tx: Transaction, body: RouteBody) -> RouteValues:
    """Return the values of a route whose people and targets exist, or answer 400."""
    known = {each.id for each in await people.everyone(tx)}
    if unknown := [str(each) for each in body.people or () if each not in known]:
        raise web.HTTPBadRequest(text=f"`people`: nobody here has the id {', '.join(unknown)}.")
    outlets = outlets_of(request.app[SETTINGS])
    for each in body.targets or ():
        if not is_set_up(each, outlets):
            raise web.HTTPBadRequest(
                text=f"`targets`: {say_target(each)} is not set up. "
                f"These are: {_names(offered_targets(outlets))}."
            )
    return made_of(body, RouteValues)


def offered_targets(outlets: Outlets) -> list[RouteTarget]:
    """Return the targets that a route may name, beside any other channel of a Slack bot."""
    offered = [RouteTarget("slack")] if outlets.slack else []
    for channel, receiver in outlets.targets:
        match channel:
            case "webhook" | "apprise":
                offered.append(RouteTarget(channel, receiver))
    return offered


def is_set_up(target: RouteTarget, outlets: Outlets) -> bool:
    """Return whether a message can go to this target now."""
    if target.channel == "slack" and target.receiver:
        return outlets.slack == "bot"
    return target in offered_targets(outlets)


def _names(targets: Iterable[RouteTarget]) -> str:
    return ", ".join(map(say_target, targets)) or "none"


def _none_at(route_id: int) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"There is no route {route_id}.")
