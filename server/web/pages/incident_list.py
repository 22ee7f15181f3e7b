"""The page of all incidents: searched, filtered and paged."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from server.incidents.last_day import read_last_day
from server.keys import DATABASE, SETTINGS
from server.storage.main import incidents
from server.storage.main.incidents import IncidentFilter, Places
from server.web.forms import MAX_CHOICES, offered
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.pages.sparkline import HEIGHT, WIDTH, draw_spark
from server.web.requests import TRIGGERS, read_filter, read_place, write_place

PAGE_SIZE = 50

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


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /incidents``: what needs somebody first, filtered and paged by the query."""
    wanted, after = read_filter(request.query), read_place(request.query)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        # One more than is shown tells whether there is an older page.
        found = await incidents.by_need(tx, wanted, PAGE_SIZE + 1, after)
        places = await incidents.places(tx, MAX_CHOICES)
        shown = found[:PAGE_SIZE]
        days = await read_last_day(tx, shown, datetime.now(UTC))
    return render(
        request,
        "incidents.html",
        {
            "here": "incidents",
            "chrome": chrome,
            "incidents": list(zip(shown, map(draw_spark, days), strict=True)),
            "width": WIDTH,
            "height": HEIGHT,
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


def _narrowed(query: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return the filters that are on: parameter, name and value as people read them."""
    shown = []
    for name, words in (("text", "text"), *((each, each) for each in _CHOSEN)):
        value = query.get(name, "").strip()
        if value:
            named = _SEVERITY_WORDS.get(value, value) if name == "severity" else value
            shown.append((name, words, named.replace("_", " ") if name == "trigger" else named))
    return shown


def _choices(wanted: IncidentFilter, places: Places) -> list[Choice]:
    """Return what the form offers, including what is asked for, whether it is known or not."""
    return [
        Choice("service", "Service", offered(places.services, wanted.service)),
        Choice("environment", "Environment", offered(places.environments, wanted.environment)),
        Choice("trigger", "Trigger", [(each, each.replace("_", " ")) for each in TRIGGERS]),
        Choice("severity", "Severity", list(_SEVERITY_WORDS.items())),
    ]


def _with_query(request: web.Request) -> Callable[..., str]:
    def with_query(**changes: str | None) -> str:
        query = {**request.query, **changes}
        kept = {name: value for name, value in query.items() if value}
        return f"{request.path}?{urlencode(kept)}" if kept else request.path

    return with_query
