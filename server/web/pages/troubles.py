"""The page of what is, and was, wrong with PushLog itself."""

from aiohttp import web

from server.keys import DATABASE
from server.web.api.troubles import find_troubles
from server.web.health import servers
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render

PAGE_SIZE = 50


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /troubles``."""
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        found = await find_troubles(request, tx, PAGE_SIZE)
    return render(
        request,
        "troubles.html",
        {
            "here": "troubles",
            "chrome": chrome,
            "troubles": found.troubles,
            "servers": servers(request.app),
            "older": found.next,
            "is_first": "before" not in request.query,
        },
    )
