"""The pages: incidents, one incident, notifications. Each works without JavaScript."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from aiohttp import hdrs, web

from server.incidents.rate import Rate, read_rate
from server.keys import DATABASE, JOURNAL, LIVE, SETTINGS
from server.storage.database import Transaction
from server.storage.journal.journal import JournalUnavailable
from server.storage.main import deploy_list, incidents, notifications
from server.storage.main.incidents import IncidentFilter, Places, StoredIncident
from server.storage.times import to_micros
from server.web.auth import person_id
from server.web.deploys import row_address
from server.web.incident_timeline import read_timeline
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.rate_chart import HEIGHT, WIDTH, draw
from server.web.requests import TRIGGERS, read_filter, read_number, read_place, write_place
from server.wording.explain import explain_incident
from server.wording.formats import fold_frames, link_name, web_url
from server.wording.numbers import named_numbers
from server.wording.reasons import in_words
from shared.incident import IncidentSummary, Numbers

PAGE_SIZE = 50
MAX_CHOICES = 500
"""Services and environments in the form of filters; others can be asked for in the address."""

_CHOSEN = ("service", "environment", "trigger", "severity")
_SEVERITY_WORDS = {
    "warning": "all (warning and above)",
    "error": "error and critical",
    "critical": "critical only",
}


class Choice(NamedTuple):
    """A list to choose from in a form: the parameter, its label, and values with their words."""

    name: str
    label: str
    options: list[tuple[str, str]]


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
        places = await incidents.places(tx, MAX_CHOICES)
    shown = found[:PAGE_SIZE]
    return render(
        request,
        "incidents.html",
        {
            "here": "incidents",
            "chrome": chrome,
            "incidents": shown,
            "wanted": wanted,
            "text": request.query.get("text", "").strip(),
            "narrowed": _narrowed(request.query),
            "choices": _choices(wanted, places),
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
        timeline = await read_timeline(tx, incident_id)
        rate = await _rate(request, tx, incident)
        deploy_urls = await _deploy_urls(tx, incident.summary)
    what = "alerts" if incident.summary.alert_rule else "events"
    return render(
        request,
        "incident.html",
        {
            "here": "incident",
            "chrome": chrome,
            "incident": incident,
            "summary": in_words(incident.summary),
            "timeline": timeline,
            "what": what,
            "chart": None if rate is None else draw(rate, what),
            "width": WIDTH,
            "height": HEIGHT,
            "why": explain_incident(incident.summary),
            "numbers": _numbers(incident.summary.trigger_numbers),
            "runs": fold_frames(incident.summary.stacktrace),
            "links": _links(incident),
            "deploy_urls": deploy_urls,
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
        raise web.HTTPBadRequest(text="The form does not name the last notification.")
    async with request.app[DATABASE].write() as tx:
        await notifications.mark_all_read(tx, person, up_to, _now())
    request.app[LIVE].publish(person)
    raise web.HTTPSeeOther(_back(request))


async def _rate(request: web.Request, tx: Transaction, incident: StoredIncident) -> Rate | None:
    """A journal that cannot be read takes the chart from the page, and nothing else."""
    if incident.summary.trigger == "deploy":
        return None
    try:
        return await read_rate(tx, request.app[JOURNAL], incident, datetime.now(UTC))
    except JournalUnavailable:
        return None


def _narrowed(query: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The filters that are on: parameter, name and value as people read them."""
    shown = []
    for name, words in (("text", "text"), *((each, each) for each in _CHOSEN)):
        value = query.get(name, "").strip()
        if value:
            named = _SEVERITY_WORDS.get(value, value) if name == "severity" else value
            shown.append((name, words, named.replace("_", " ") if name == "trigger" else named))
    return shown


def _choices(wanted: IncidentFilter, places: Places) -> list[Choice]:
    """What the form lets people choose; what is asked for is among it, known or not."""
    return [
        Choice("service", "Service", _with_chosen(places.services, wanted.service)),
        Choice("environment", "Environment", _with_chosen(places.environments, wanted.environment)),
        Choice("trigger", "Trigger", [(each, each.replace("_", " ")) for each in TRIGGERS]),
        Choice("severity", "Severity", list(_SEVERITY_WORDS.items())),
    ]


def _with_chosen(names: list[str], chosen: str | None) -> list[tuple[str, str]]:
    known = names if chosen is None or chosen in names else [chosen, *names]
    return [(name, name) for name in known]


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


async def _deploy_urls(tx: Transaction, summary: IncidentSummary) -> dict[str, str]:
    """Where the deploys stand that the incident suspects or tells of, by their ids."""
    named = {suspect.deploy_id for suspect in summary.suspected_causes}
    ids = [each for each in (*named, summary.trigger_numbers.get("deploy")) if each is not None]
    places = await deploy_list.find(tx, summary.service, summary.environment, [*map(str, ids)])
    return {
        deploy_id: row_address(summary.service, summary.environment, place)
        for deploy_id, place in places.items()
    }


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
