"""The API of what a person wants to be told of, and in which way."""

import functools
import re
from collections.abc import Sequence
from typing import Annotated
from zoneinfo import available_timezones

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import DATABASE, OFFICE, SETTINGS
from server.notify.channel import ChannelName
from server.settings.settings import MinSeverity
from server.storage.main import accounts, people
from server.storage.main.people import (
    AddressTaken,
    ByWhichWay,
    Person,
    SummaryChoice,
    Wishes,
    WorkingHours,
)
from server.web.accounts.details import check_email
from server.web.auth import person_id
from server.web.requests import answer, read_body
from shared.event import Environment, Service, canonical_environment
from shared.structs import made_of

_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
_Services = Annotated[list[Service], Meta(max_length=500)]
_Environments = Annotated[list[Environment], Meta(max_length=100)]


class WishesBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What can be changed; fields left out stay. `services` and `environments`: null means all."""

    email: str | msgspec.UnsetType | None = msgspec.UNSET
    email_incidents: bool | msgspec.UnsetType = msgspec.UNSET
    min_severity: MinSeverity | msgspec.UnsetType = msgspec.UNSET
    services: _Services | msgspec.UnsetType | None = msgspec.UNSET
    environments: _Environments | msgspec.UnsetType | None = msgspec.UNSET
    my_commits: ByWhichWay | msgspec.UnsetType = msgspec.UNSET
    working_hours: WorkingHours | msgspec.UnsetType | None = msgspec.UNSET
    summary: SummaryChoice | msgspec.UnsetType = msgspec.UNSET


class WishesAnswer(msgspec.Struct, kw_only=True):
    """A person's settings, and what the installation allows."""

    name: str
    email: str | None
    email_incidents: bool
    min_severity: MinSeverity
    services: list[str] | None
    environments: list[str] | None
    my_commits: ByWhichWay
    working_hours: WorkingHours | None
    summary: SummaryChoice
    installation_min_severity: MinSeverity
    channels: Sequence[ChannelName]


async def get_wishes(request: web.Request) -> web.Response:
    """``GET /api/settings/notifications``."""
    async with request.app[DATABASE].read() as tx:
        person = await people.get(tx, person_id(request))
    return answer(_answered(request, _there(person)))


async def set_wishes(request: web.Request) -> web.Response:
    """``PUT /api/settings/notifications``: fields left out stay as they are."""
    person = await change_wishes(request, await read_body(request, WishesBody))
    return answer(_answered(request, person))


async def change_wishes(request: web.Request, body: WishesBody) -> Person:
    """Change what the person who asks is told of; answer 400 or 409 with what would be right."""
    changes = {
        name: value
        for name, value in msgspec.structs.asdict(body).items()
        if value is not msgspec.UNSET
    }
    email = changes.get("email")
    if isinstance(email, str):
        check_email(email)
    if changes.get("environments") is not None:
        changes["environments"] = [canonical_environment(each) for each in changes["environments"]]
    if isinstance(body.working_hours, WorkingHours):
        _check_hours(body.working_hours)
        changes["working_hours"] = body.working_hours
    async with request.app[DATABASE].write() as tx:
        person = _there(await people.get(tx, person_id(request)))
        wishes = made_of(person, Wishes, **changes)
        if wishes.email is None and await accounts.get(tx, person.id) is not None:
            raise web.HTTPBadRequest(text="You sign in with `email`, so it cannot be empty.")
        if wishes.email_incidents and wishes.email is None:
            raise web.HTTPBadRequest(text="`email_incidents` needs an `email`.")
        if wishes.summary != "off" and wishes.email is None:
            raise web.HTTPBadRequest(text="`summary` needs an `email`.")
        try:
            await people.set_wishes(tx, person.id, wishes)
        except AddressTaken as error:
            raise web.HTTPConflict(text="Someone else uses this mail address.") from error
        return _there(await people.get(tx, person.id))


@functools.cache
def time_zones() -> frozenset[str]:
    """Return the names of all time zones. Finding them takes a walk through hundreds of files."""
    return frozenset(available_timezones())


def _check_hours(hours: WorkingHours) -> None:
    for name, text in (("begin", hours.begin), ("end", hours.end)):
        if not _TIME.fullmatch(text):
            raise web.HTTPBadRequest(text=f"`{name}` must be a time like 09:30.")
    if hours.begin >= hours.end:
        raise web.HTTPBadRequest(text="`begin` must be before `end`.")
    if not hours.days:
        raise web.HTTPBadRequest(text="`days` must have at least one day.")
    if hours.time_zone not in time_zones():
        raise web.HTTPBadRequest(text="`time_zone` must be a name like Europe/Berlin.")


def _there(person: Person | None) -> Person:
    """Return the person who asks."""
    if person is None:
        raise web.HTTPNotFound(text="You are not among the people of this installation.")
    return person


def _answered(request: web.Request, person: Person) -> WishesAnswer:
    return made_of(
        person,
        WishesAnswer,
        installation_min_severity=request.app[SETTINGS].incident_notification_min_severity,
        channels=request.app[OFFICE].channels,
    )
