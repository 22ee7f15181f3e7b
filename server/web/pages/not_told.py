"""The page of who was not told of an incident, and why."""

from aiohttp import web

from server.keys import DATABASE
from server.storage.main import people
from server.web.api.not_told import find_not_told
from server.web.auth import person_id
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render

PAGE_SIZE = 100


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /deliveries/not-told``: of everybody, or of one ``person``."""
    page = await find_not_told(request, PAGE_SIZE)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        me = await people.get(tx, person_id(request))
    return render(
        request,
        "not_told.html",
        {
            "here": "deliveries",
            "chrome": chrome,
            "page": page,
            "person": request.query.get("person"),
            "me": me and me.name,
        },
    )
