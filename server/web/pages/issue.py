"""The page of one issue: what was counted of it, its incidents and its newest events."""

from aiohttp import web

from server.keys import DATABASE
from server.web.api.issues import find_issue
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.wording.formats import shown_links


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /issues/{fingerprint}``."""
    issue = await find_issue(request)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
    return render(
        request,
        "issue.html",
        {
            "here": "incidents",
            "chrome": chrome,
            "issue": issue,
            "links": shown_links(issue.links, issue.source or ""),
            "counted": issue.counted,
            "open_incident": next((each for each in issue.incidents if not each.ended_at), None),
        },
    )
