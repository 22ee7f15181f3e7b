"""The table notification_routes: who is told of which incidents, and when, in order."""

from collections.abc import Sequence
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.incident_users import MAX_USERS
from server.storage.main.tables import notification_routes
from server.storage.rows import struct_of
from shared.event import Severity
from shared.incident import Trigger

When = Literal["at_once", "after_events", "after_users", "daily", "never"]
WHENS: tuple[When, ...] = get_args(When)

MAX_COUNT = MAX_USERS
"""Of an incident, no more users than this are counted."""

_JSON = ("timing", "people", "targets")


class Timing(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """When people are told: of ``after_events`` and ``after_users``, `count` says after how many.

    `daily` is in the morning, together with all others of the day.
    """

    when: When
    count: Annotated[int, Meta(ge=2, le=MAX_COUNT)] | None = None

    def __post_init__(self) -> None:
        if (self.count is not None) != self.when.startswith("after_"):
            raise ValueError(
                "`count` is needed with `after_events` and `after_users`, and only with them"
            )


class RouteTarget(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A way for all, and a receiver in it; for Slack, no receiver is the incident's usual channel.

    Receivers of webhooks and Apprise go by the names that deliveries show.
    """

    channel: Literal["slack", "webhook", "apprise"]
    receiver: Annotated[str, Meta(max_length=200)] = ""


class RouteValues(msgspec.Struct, frozen=True, kw_only=True):
    """What people say about a route: which incidents it is for, and what it decides about them.

    `service` and `environment` are patterns, in which ``*`` stands for any characters; empty means
    all. `severity` is the least one. `path` is a pattern for the files of the stack trace, as in a
    CODEOWNERS file.

    `people` are ids. What is None is left to later routes.
    """

    service: str = ""
    environment: str = ""
    severity: Severity | None = None
    trigger: Trigger | None = None
    path: str = ""
    timing: Timing | None = None
    people: list[int] | None = None
    targets: list[RouteTarget] | None = None
    about: str = ""
    enabled: bool = True


class Route(RouteValues, frozen=True, kw_only=True):
    """A route, and who made it."""

    id: int
    made_by: str


class OtherRoutes(ValueError):
    """These are not the routes that there are: somebody else has added or removed one."""


async def everything(tx: AsyncConnection) -> list[Route]:
    """Return all routes, in order."""
    order = (notification_routes.c.position, notification_routes.c.id)
    rows = await tx.execute(select(notification_routes).order_by(*order))
    return [_route(row) for row in rows]


async def in_force(tx: AsyncConnection) -> list[Route]:
    """Return the routes that are on, in order."""
    return [each for each in await everything(tx) if each.enabled]


async def get(tx: AsyncConnection, route_id: int) -> Route | None:
    """Return the route of this id, or None."""
    query = select(notification_routes).where(notification_routes.c.id == route_id)
    row = (await tx.execute(query)).first()
    return None if row is None else _route(row)


async def add(tx: AsyncConnection, values: RouteValues, made_by: str) -> Route:
    """Add a route after all others."""
    last = await tx.scalar(select(func.max(notification_routes.c.position)))
    columns = _columns(values) | {"made_by": made_by, "position": (last or 0) + 1}
    rows = await tx.execute(
        insert(notification_routes).values(columns).returning(notification_routes)
    )
    return _route(rows.one())


async def change(tx: AsyncConnection, route_id: int, values: RouteValues) -> bool:
    """Change a route, which keeps its place; return whether it exists."""
    of_id = notification_routes.c.id == route_id
    result = await tx.execute(update(notification_routes).where(of_id).values(_columns(values)))
    return result.rowcount == 1


async def remove(tx: AsyncConnection, route_id: int) -> bool:
    """Remove a route; return whether it existed."""
    of_id = notification_routes.c.id == route_id
    return (await tx.execute(delete(notification_routes).where(of_id))).rowcount == 1


async def put_in_order(tx: AsyncConnection, route_ids: Sequence[int]) -> None:
    """Put all routes in this order. Raises `OtherRoutes`."""
    known = await tx.scalars(select(notification_routes.c.id))
    if sorted(route_ids) != sorted(known):
        raise OtherRoutes
    for position, route_id in enumerate(route_ids, 1):
        of_id = notification_routes.c.id == route_id
        await tx.execute(update(notification_routes).where(of_id).values(position=position))


async def forget_person(tx: AsyncConnection, person_id: int) -> None:
    """Take a person out of all routes; one that names nobody else leaves it to later ones."""
    for route in await everything(tx):
        if route.people is not None and person_id in route.people:
            others = [each for each in route.people if each != person_id]
            of_id = notification_routes.c.id == route.id
            left = msgspec.json.encode(others) if others else None
            await tx.execute(update(notification_routes).where(of_id).values(people=left))


def _columns(values: RouteValues) -> dict[str, object]:
    columns = {name: getattr(values, name) for name in RouteValues.__struct_fields__}
    for name in _JSON:
        if columns[name] is not None:
            columns[name] = msgspec.json.encode(columns[name])
    return columns


def _route(row: Row[tuple[object, ...]]) -> Route:
    found = {name: row._mapping[name] for name in _JSON}
    decoded = {name: text and msgspec.json.decode(text) for name, text in found.items()}
    return struct_of(row, Route, **decoded)
