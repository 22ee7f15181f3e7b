"""The API of the noise filters: which errors nobody wants to hear of."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import DATABASE
from server.storage.main import noise
from server.storage.main.noise import NoiseFilter, PatternTaken
from server.web.requests import Removed, answer, read_body


class FilterBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The new values of a filter; ``*`` stands for any characters."""

    pattern: Annotated[str, Meta(min_length=1, max_length=500)]
    about: Annotated[str, Meta(max_length=500)] = ""
    enabled: bool = False

    def __post_init__(self) -> None:
        if not self.pattern.replace("*", "").strip():
            raise ValueError("a `pattern` of only * would hold back everything")


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
    """Add a filter, or answer 409 if there is one with this pattern."""
    try:
        async with request.app[DATABASE].write() as tx:
            return await noise.add(
                tx, pattern=body.pattern, about=body.about, is_enabled=body.enabled
            )
    except PatternTaken as error:
        raise _taken() from error


async def change(request: web.Request, body: FilterBody) -> NoiseFilter:
    """Change the filter that the address names, or answer 404 or 409."""
    filter_id = int(request.match_info["id"])
    try:
        async with request.app[DATABASE].write() as tx:
            await noise.change(
                tx, filter_id, pattern=body.pattern, about=body.about, is_enabled=body.enabled
            )
            changed = await noise.get(tx, filter_id)
    except PatternTaken as error:
        raise _taken() from error
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


def _taken() -> web.HTTPConflict:
    return web.HTTPConflict(text="A filter with this pattern already exists.")


def _none_at(filter_id: int) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"There is no noise filter {filter_id}.")
