"""Checks what a request asks for, and answers it; a wrong request gets 400 with the rule."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeVar, get_args

import msgspec
from aiohttp import web
from msgspec import Meta

from server.storage.main.incident_search import read_search
from server.storage.main.incidents import (
    SEVERITIES,
    IncidentFilter,
    IncidentState,
    Place,
    StoredIncident,
    place_of,
)
from shared.incident import Trigger

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_TEXT = 200
"""The most characters to search for."""

STATES: tuple[IncidentState, ...] = get_args(IncidentState)
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
Name = TypeVar("Name", bound=str)

_PLACE = r"([0-2])\.([0-9]{1,3})\.([0-9]{1,18})\.(inc-[0-9a-f]{16})"
_MAX_NUMBER = 2**63 - 1

Number = Annotated[int, Meta(ge=0, le=_MAX_NUMBER)]
Limit = Annotated[int, Meta(ge=0, le=MAX_LIMIT)]
"""How many to list; 0 lists one."""
PlaceInIncidents = Annotated[str, Meta(pattern=f"^{_PLACE}$")]


class Removed(msgspec.Struct):
    """What was removed."""

    id: int
    removed: Literal[True] = True


def answer(body: msgspec.Struct, status: int = 200) -> web.Response:
    """Return `body` as JSON that nobody on the way may keep."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def read_body(request: web.Request, kind: type[T]) -> T:
    """Return the JSON of the request as a `kind`."""
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise web.HTTPBadRequest(text=f"{error}.") from error


def read_query(query: Mapping[str, str], kind: type[S]) -> S:
    """Return what is asked for as a `kind`, whose fields are named like the parameters.

    Empty values do not filter, and other parameters are left alone.
    """
    asked = {name: query[name] for name in kind.__struct_fields__ if query.get(name)}
    try:
        return msgspec.convert(asked, kind)
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest(text=f"{error}.") from error


def read_filter(query: Mapping[str, str]) -> IncidentFilter:
    """Return which incidents are asked for; empty values and ``state=all`` do not filter."""
    return IncidentFilter(
        state=_one_of(query, "state", STATES, but="all"),
        service=query.get("service") or None,
        environment=query.get("environment") or None,
        trigger=_one_of(query, "trigger", TRIGGERS),
        severity=_one_of(query, "severity", SEVERITIES),
        search=read_search(_short(query, "text", MAX_TEXT)),
    )


def read_place(query: Mapping[str, str]) -> Place | None:
    """Return the place in the list of incidents after which to go on, as `write_place` wrote it."""
    text = query.get("before")
    if not text:
        return None
    found = re.fullmatch(_PLACE, text)
    if found is None:
        raise web.HTTPBadRequest(text="`before` is not a place in the list of incidents.")
    return Place(int(found[1]), int(found[2]), int(found[3]), found[4])


def write_place(incident: StoredIncident) -> str:
    """Return the place of this incident, for a query string."""
    place = place_of(incident)
    return f"{place.rank}.{place.priority}.{place.opened_seq}.{place.incident_id}"


def read_number(query: Mapping[str, str], name: str, most: int = _MAX_NUMBER) -> int | None:
    """Return a whole number from 0 to `most`, if it is asked for."""
    text = query.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most):
        raise web.HTTPBadRequest(text=f"`{name}` must be a whole number from 0 to {most}.")
    return int(text)


def read_limit(query: Mapping[str, str]) -> int:
    """Return how many are asked for at once."""
    return max(1, read_number(query, "limit", MAX_LIMIT) or DEFAULT_LIMIT)


def _one_of(
    query: Mapping[str, str], name: str, values: Sequence[Name], but: str | None = None
) -> Name | None:
    text = query.get(name)
    if not text or text == but:
        return None
    for value in values:
        if value == text:
            return value
    named = ", ".join(f"`{value}`" for value in [*values, *([but] if but else [])])
    raise web.HTTPBadRequest(text=f"`{name}` must be one of {named}; it is `{text[:100]}`.")


def _short(query: Mapping[str, str], name: str, most: int) -> str:
    text = query.get(name, "")
    if len(text) > most:
        raise web.HTTPBadRequest(text=f"`{name}` must have at most {most} characters.")
    return text
