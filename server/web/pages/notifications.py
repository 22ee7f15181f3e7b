"""The page and the panel of a person's notifications."""

from urllib.parse import urlsplit

from aiohttp import hdrs, web

from server.keys import DATABASE, LIVE
from server.storage.main import notifications
from server.storage.times import micros_now
from server.web.auth import person_id
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.requests import read_number

PAGE_SIZE = 50


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /notifications``."""
    before = read_number(request.query, "before")
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        found = await notifications.newest(tx, person_id(request), PAGE_SIZE + 1, before)
    shown = found[:PAGE_SIZE]
    return render(
        request,
        "notifications.html",
        {
            "here": "notifications",
            "chrome": chrome,
            "notifications": shown,
            "older": shown[-1].id if len(found) > PAGE_SIZE else None,
            "older_than": before is not None,
        },
    )


async def panel(request: web.Request) -> web.StreamResponse:
    """``GET /notifications/panel``: what the bell opens, for a page that is already loaded."""
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
    return render(request, "panel.html", {"chrome": chrome})


async def mark_read(request: web.Request) -> web.StreamResponse:
    """``POST /notifications/{id}/read``: redirects back to the form's page."""
    person = person_id(request)
    async with request.app[DATABASE].write() as tx:
        notification_id = int(request.match_info["id"])
        if not await notifications.mark_read(tx, person, notification_id, micros_now()):
            raise web.HTTPNotFound(text=f"There is no notification {notification_id}.")
    request.app[LIVE].publish(person)
    raise web.HTTPSeeOther(_back(request))


async def mark_all_read(request: web.Request) -> web.StreamResponse:
    """``POST /notifications/read-all``: marks all up to the newest that the form's page showed."""
    person = person_id(request)
    form = await request.post()
    up_to = read_number({key: str(value) for key, value in form.items()}, "up_to")
    if up_to is None:
        raise web.HTTPBadRequest(text="The form does not name the last notification.")
    async with request.app[DATABASE].write() as tx:
        await notifications.mark_all_read(tx, person, up_to, micros_now())
    request.app[LIVE].publish(person)
    raise web.HTTPSeeOther(_back(request))


def _back(request: web.Request) -> str:
    """Return the form's page; only by its path, so that it leads nowhere else."""
    try:
        came_from = urlsplit(request.headers.get(hdrs.REFERER, ""))
    except ValueError:
        return "/notifications"
    if came_from.netloc != request.headers.get(hdrs.HOST) or not came_from.path.startswith("/"):
        return "/notifications"
    # Two slashes would be the name of another server.
    path = "/" + came_from.path.lstrip("/")
    return f"{path}?{came_from.query}" if came_from.query else path
