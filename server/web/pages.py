"""The pages: incidents, one incident, notifications. Each works without JavaScript."""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import msgspec
from aiohttp import hdrs, web

from server.keys import DATABASE, LIVE, SETTINGS
from server.storage import incidents, notifications
from server.storage.incidents import IncidentFilter, StoredIncident
from server.storage.times import to_micros
from server.web.auth import person_id
from server.web.chrome import read_chrome
from server.web.questions import read_filter, read_number, read_place, write_place
from server.web.rendering import render
from server.wording.explain import explain_incident
from server.wording.formats import fold_frames, link_name, web_url
from server.wording.numbers import named_numbers
from shared.incident import Numbers

PAGE_SIZE = 50
TIMELINE_SIZE = 200


async def home(_request: web.Request) -> web.StreamResponse:
    """``GET /``."""
    raise web.HTTPFound("/incidents")


async def incident_list(request: web.Request) -> web.StreamResponse:
    """``GET /incidents``: newest first, filtered and paged by the query."""
    wanted, after = read_filter(request.query), read_place(request.query)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        # One more than is shown tells whether there is an older page.
        found = await incidents.newest(tx, wanted, PAGE_SIZE + 1, after)
    shown = found[:PAGE_SIZE]
    return render(
        request,
        "incidents.html",
        {
            "here": "incidents",
            "chrome": chrome,
            "incidents": shown,
            "wanted": wanted,
            "narrowed": _narrowed(wanted),
            "with_query": _with_query(request),
            "first_ever": not found and after is None and wanted == IncidentFilter(),
            "older": write_place(shown[-1]) if len(found) > PAGE_SIZE else None,
            "older_than": after is not None,
            "base_url": request.app[SETTINGS].public_url,
        },
    )


async def incident_page(request: web.Request) -> web.StreamResponse:
    """``GET /incidents/{incident_id}``."""
    incident_id = request.match_info["incident_id"]
    async with request.app[DATABASE].read() as tx:
        incident = await incidents.get(tx, incident_id)
        if incident is None:
            raise web.HTTPNotFound(text=f"There is no incident {incident_id}.")
        chrome = await read_chrome(request, tx)
        changes = await incidents.changes(tx, incident_id, TIMELINE_SIZE)
    return render(
        request,
        "incident.html",
        {
            "here": "incident",
            "chrome": chrome,
            "incident": incident,
            "changes": changes,
            "why": explain_incident(incident.summary),
            "numbers": _numbers(incident.summary.trigger_numbers),
            "runs": fold_frames(incident.summary.stacktrace),
            "links": _links(incident),
        },
    )


async def notification_list(request: web.Request) -> web.StreamResponse:
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
    """``GET /notifications/panel``: what the bell opens, for a page that is there already."""
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
    return render(request, "panel.html", {"chrome": chrome})


async def mark_read(request: web.Request) -> web.StreamResponse:
    """``POST /notifications/{id}/read``: back to where the form stood."""
    person = person_id(request)
    async with request.app[DATABASE].write() as tx:
        notification_id = int(request.match_info["id"])
        if not await notifications.mark_read(tx, person, notification_id, _now()):
            raise web.HTTPNotFound(text=f"There is no notification {notification_id}.")
    request.app[LIVE].publish(person)
    raise web.HTTPSeeOther(_back(request))


async def mark_all_read(request: web.Request) -> web.StreamResponse:
    """``POST /notifications/read-all`` up to the newest that the form's page showed."""
    person = person_id(request)
    form = await request.post()
    up_to = read_number({key: str(value) for key, value in form.items()}, "up_to")
    if up_to is None:
        raise web.HTTPBadRequest(text="The form did not say up to which notification.")
    async with request.app[DATABASE].write() as tx:
        await notifications.mark_all_read(tx, person, up_to, _now())
    request.app[LIVE].publish(person)
    raise web.HTTPSeeOther(_back(request))


def _narrowed(wanted: IncidentFilter) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, value in msgspec.structs.asdict(wanted).items()
        if value is not None and name != "state"
    ]


def _with_query(request: web.Request) -> Callable[..., str]:
    def with_query(**changes: str | None) -> str:
        query = {**request.query, **changes}
        kept = {name: value for name, value in query.items() if value}
        return f"{request.path}?{urlencode(kept)}" if kept else request.path

    return with_query


def _numbers(numbers: Numbers) -> list[tuple[str, str]]:
    """All of them, where there is one that the sentence above does not say in full."""
    if all(isinstance(number, str) for number in numbers.values()):
        return []
    return named_numbers(numbers)


def _links(incident: StoredIncident) -> list[tuple[str, str]]:
    summary = incident.summary
    shown = sorted(summary.links.items(), key=lambda link: link[0] != "source_url")
    return [
        (link_name(name, summary.source), url) for name, url in shown if web_url(url) is not None
    ]


def _back(request: web.Request) -> str:
    """The page that the form stood on; by its path only, so that it leads nowhere else."""
    try:
        came_from = urlsplit(request.headers.get(hdrs.REFERER, ""))
    except ValueError:
        return "/notifications"
    if came_from.netloc != request.headers.get(hdrs.HOST) or not came_from.path.startswith("/"):
        return "/notifications"
    # Two slashes would be the name of another server.
    path = "/" + came_from.path.lstrip("/")
    return f"{path}?{came_from.query}" if came_from.query else path


def _now() -> int:
    return to_micros(datetime.now(UTC))
