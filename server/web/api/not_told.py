"""The API of who was not told of an incident, and why."""

import msgspec
from aiohttp import web

from server.keys import DATABASE
from server.storage.main import not_told
from server.storage.main.not_told import NotToldFilter
from server.web.requests import answer, read_limit, read_number, read_query
from server.wording.not_told import NotToldOfIncident, not_told_of_incident


class NotToldPage(msgspec.Struct):
    """Who was not told, newest first. `next` is the ``before`` of the next page."""

    not_told: list[NotToldOfIncident]
    next: int | None


async def list_not_told(request: web.Request) -> web.Response:
    """``GET /api/not-told``; ``person``, ``incident_id``, ``limit`` and ``before`` narrow it."""
    return answer(await find_not_told(request, read_limit(request.query)))


async def find_not_told(request: web.Request, limit: int) -> NotToldPage:
    """Return the page that the request asks for, of at most `limit` rows."""
    wanted = read_query(request.query, NotToldFilter)
    before = read_number(request.query, "before")
    async with request.app[DATABASE].read() as tx:
        found = await not_told.newest(tx, wanted, limit + 1, before)
    shown = found[:limit]
    return NotToldPage(
        [not_told_of_incident(each) for each in shown],
        shown[-1].id if len(found) > limit else None,
    )
