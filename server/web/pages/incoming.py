"""The page of the incoming webhooks: "Sentry says that it sent it; where is it?"."""

from aiohttp import web

from server.keys import DATABASE
from server.storage.times import from_micros
from server.web.api.webhooks import answered, read, read_filter, write_place
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.wording.incoming import OUTCOMES

PAGE_SIZE = 50


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /deliveries/incoming``."""
    wanted = read_filter(request.query)
    page = await read(request, wanted, PAGE_SIZE)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
    return render(
        request,
        "incoming.html",
        {
            "here": "incoming",
            "chrome": chrome,
            "wanted": wanted,
            "webhooks": [answered(each, "") for each in page.webhooks],
            "outcomes": OUTCOMES,
            "older": None if page.next is None else write_place(page.next),
            "is_first": not request.query.get("before"),
            "looked_back_to": (
                None if page.looked_back_to is None else from_micros(page.looked_back_to)
            ),
        },
    )
