"""The page of the dead letters: what the engine died on, and what is to become of it."""

from aiohttp import web

from server.keys import DATABASE
from server.storage.main import dead_letters
from server.web.api.dead_letters import answered, discard, read_state, replay
from server.web.auth import identity
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.requests import read_number

PAGE_SIZE = 50

ALL = "all"


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /deliveries/dead-letters``: those that wait, or have another ``state``, or all."""
    before, chosen = read_number(request.query, "before"), request.query.get("state") or "waiting"
    state = None if chosen == ALL else read_state(chosen)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        counts = await dead_letters.counts(tx)
        found = await dead_letters.newest(tx, before, PAGE_SIZE + 1, state)
    shown = found[:PAGE_SIZE]
    return render(
        request,
        "dead_letters.html",
        {
            "here": "dead-letters",
            "chrome": chrome,
            "counts": [*counts.items(), (ALL, sum(counts.values()))],
            "chosen": chosen,
            "letters": [answered(each) for each in shown],
            "may_settle": identity(request).role == "admin",
            "older": shown[-1].seq if len(found) > PAGE_SIZE else None,
            "is_first": before is None,
        },
    )


async def replay_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /deliveries/dead-letters/{seq}/replay``: redirects back to the page."""
    await replay(request)
    raise web.HTTPSeeOther("/deliveries/dead-letters")


async def discard_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /deliveries/dead-letters/{seq}/discard``: redirects back to the page."""
    await discard(request)
    raise web.HTTPSeeOther("/deliveries/dead-letters")
