"""The page of the outbox: what was sent, what failed and why, and sending it again."""

from aiohttp import web

from server.keys import DATABASE, OFFICE
from server.storage.main import outbox
from server.storage.main.outbox import DeliveryFilter
from server.web.api.deliveries import resend
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.requests import read_number, read_query
from server.wording.failures import FAILURES

PAGE_SIZE = 100


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /deliveries``: the page of what was sent and what was not."""
    before = read_number(request.query, "before")
    wanted = read_query(request.query, DeliveryFilter)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        counts = await outbox.counts(tx)
        found = await outbox.newest(tx, wanted, PAGE_SIZE + 1, before)
    shown = found[:PAGE_SIZE]
    return render(
        request,
        "deliveries.html",
        {
            "here": "deliveries",
            "chrome": chrome,
            "channels": request.app[OFFICE].channels,
            "counts": counts,
            "failures": FAILURES,
            "wanted": wanted,
            "deliveries": shown,
            "older": shown[-1].id if len(found) > PAGE_SIZE else None,
        },
    )


async def resend_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /deliveries/{id}/resend``: redirects back to the page."""
    await resend(request, int(request.match_info["id"]))
    raise web.HTTPSeeOther("/deliveries")
