"""The API of the noise filters: which errors nobody wants to hear of."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import DATABASE
from server.storage.main import noise
from server.storage.main.noise import FilterExists, FilterValues, NoiseFilter
from server.web.api.incident_wishes import name_of_asker
from server.web.requests import Removed, answer, read_body
from shared.event import Timestamp
from shared.structs import made_of

_Place = Annotated[str, Meta(max_length=128)]


class FilterBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The new values of a filter.

    In `pattern`, `service` and `environment`, ``*`` stands for any characters. An empty `service`
    or `environment` means all.
    """

    pattern: Annotated[str, Meta(min_length=1, max_length=500)]
    service: _Place = ""
    environment: _Place = ""
    until: Timestamp | None = None
    about: Annotated[str, Meta(max_length=500)] = ""
    enabled: bool = False

    def __post_init__(self) -> None:
        if not any(
            each.replace("*", "").strip() for each in (self.pattern, self.service, self.environment)
        ):
            raise ValueError(
                "a `pattern` of only * would hold back everything: name a `service` or an "
                "`environment`"
            )


class FilterList(msgspec.Struct):
    """All filters, oldest first."""

    noise_filters: list[NoiseFilter]


async def list_filters(request: web.Request) -> web.Response:
    """``GET /api/noise-filters``."""
    async with request.app[DATABASE].read() as tx:
        return answer(FilterList(await noise.everything(tx)))


async def add_filter(request: web.Request) -> web.Response:
    """``POST /api/noise-filters``."""
    return answer(await add(request, await read_body(request, FilterBody)), status=201)


async def change_filter(request: web.Request) -> web.Response:
    """``PUT /api/noise-filters/{id}``: keeps the filter's counts."""
    return answer(await change(request, await read_body(request, FilterBody)))


async def remove_filter(request: web.Request) -> web.Response:
    """``DELETE /api/noise-filters/{id}``."""
    return answer(Removed(await remove(request)))


async def add(request: web.Request, body: FilterBody) -> NoiseFilter:
    """Add a filter, or answer 409 if there already is one that matches the same."""
    values = checked(body)
    try:
        async with request.app[DATABASE].write() as tx:
            return await noise.add(tx, values, await name_of_asker(tx, request))
    except FilterExists as error:
        raise _exists() from error


async def change(request: web.Request, body: FilterBody) -> NoiseFilter:
    """Change the filter that the address names, or answer 404 or 409."""
    filter_id, values = int(request.match_info["id"]), checked(body)
    try:
        async with request.app[DATABASE].write() as tx:
            await noise.change(tx, filter_id, values)
            changed = await noise.get(tx, filter_id)
    except FilterExists as error:
        raise _exists() from error
    if changed is None:
        raise _none_at(filter_id)
    return changed


async def remove(request: web.Request) -> int:
    """Remove the filter that the address names, and return its id; or answer 404."""
    filter_id = int(request.match_info["id"])
    async with request.app[DATABASE].write() as tx:
        if not await noise.remove(tx, filter_id):
            raise _none_at(filter_id)
    return filter_id


def checked(body: FilterBody) -> FilterValues:
    """Return the values of a filter that is on for a while at least, or answer 400."""
    if body.until is not None and body.until <= datetime.now(UTC):
        raise web.HTTPBadRequest(text="`until` is in the past: the filter would never apply.")
    return made_of(body, FilterValues)


def _exists() -> web.HTTPConflict:
    return web.HTTPConflict(
        text="A filter with this pattern, service and environment already exists."
    )


def _none_at(filter_id: int) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"There is no noise filter {filter_id}.")
