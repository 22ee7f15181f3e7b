"""What a query string asks for, checked; a wrong one is answered 400 with the rule. Pure."""

import re
from collections.abc import Mapping

import msgspec
from aiohttp import web

from server.storage.incidents import IncidentFilter, Place, StoredIncident, place_of

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

_PLACE = re.compile(r"(\d{1,18})\.(inc-[0-9a-f]{16})", re.ASCII)
_MAX_NUMBER = 2**63 - 1


def read_filter(query: Mapping[str, str]) -> IncidentFilter:
    """Which incidents are asked for; what is there but empty is not asked."""
    asked = {name: query[name] for name in IncidentFilter.__struct_fields__ if query.get(name)}
    try:
        return msgspec.convert(asked, IncidentFilter)
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest(text=f"{error}.") from error


def read_place(query: Mapping[str, str]) -> Place | None:
    """The place in the list of incidents after which to go on, as `write_place` wrote it."""
    text = query.get("before")
    if not text:
        return None
    found = _PLACE.fullmatch(text)
    if found is None:
        raise web.HTTPBadRequest(text="`before` is no place in the list of incidents.")
    return Place(int(found[1]), found[2])


def write_place(incident: StoredIncident) -> str:
    """Where this incident stands, for a query string."""
    place = place_of(incident)
    return f"{place.started_at}.{place.incident_id}"


def read_number(query: Mapping[str, str], name: str, most: int = _MAX_NUMBER) -> int | None:
    """A whole number from 0 to `most`, where it is asked for."""
    text = query.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most):
        raise web.HTTPBadRequest(text=f"`{name}` must be a whole number from 0 to {most}.")
    return int(text)


def read_limit(query: Mapping[str, str]) -> int:
    """How many are asked for at once."""
    return max(1, read_number(query, "limit", MAX_LIMIT) or DEFAULT_LIMIT)
