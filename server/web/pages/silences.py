"""The page of what nobody is notified of: silences, and noise filters.

Its forms work without JavaScript. If one is wrong, the page says what.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from aiohttp import web

from server.keys import DATABASE
from server.storage.main import incidents, noise, silences
from server.storage.times import micros_now
from server.web.api import noise as filters
from server.web.api.incident_wishes import MAX_SNOOZE_MIN
from server.web.api.noise import FilterBody, checked
from server.web.api.noise_preview import Preview, preview
from server.web.api.silences import lift
from server.web.forms import MAX_CHOICES, read_form, words_of
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.requests import read_number

_PAGE = "/settings/silences"
_EMPTY = dict.fromkeys(("pattern", "service", "environment", "about", "minutes", "enabled"), "")
_DURATIONS = {"": "for good", "60": "an hour", "480": "8 hours", "1440": "a day", "10080": "a week"}
"""How long a new filter applies: minutes, and words."""
_SAID = {
    "saved": "Saved.",
    "removed": "The filter is removed.",
    "lifted": "The silence is lifted.",
}


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /settings/silences``."""
    return await _page(request)


async def lift_from_list(request: web.Request) -> web.StreamResponse:
    """``POST /settings/silences/{incident_id}/lift``."""
    await lift(request)
    raise web.HTTPSeeOther(f"{_PAGE}?said=lifted")


async def lift_from_incident(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{incident_id}/lift``."""
    incident_id, _ = await lift(request)
    raise web.HTTPSeeOther(f"/incidents/{incident_id}")


async def add_filter(request: web.Request) -> web.StreamResponse:
    """``POST /settings/noise``: adds a filter or, with ``preview``, shows what it would match."""
    form = await read_form(request)
    try:
        body = _filter(form)
        if "preview" in form:
            found = await preview(request.app[DATABASE], checked(body))
            return await _page(request, typed=form, found=found)
        await filters.add(request, body)
    except (web.HTTPClientError, msgspec.ValidationError) as error:
        return await _page(request, words_of(error), typed=form)
    raise web.HTTPSeeOther(f"{_PAGE}?said=saved#noise")


async def change_filter(request: web.Request) -> web.StreamResponse:
    """``POST /settings/noise/{id}``: changes a filter or, with its second button, removes it."""
    form = await read_form(request)
    if "remove" in form:
        await filters.remove(request)
        raise web.HTTPSeeOther(f"{_PAGE}?said=removed#noise")
    try:
        await filters.change(request, _filter(form))
    except (web.HTTPClientError, msgspec.ValidationError) as error:
        return await _page(request, words_of(error))
    raise web.HTTPSeeOther(f"{_PAGE}?said=saved#noise")


async def _page(
    request: web.Request,
    problem: str | None = None,
    *,
    typed: Mapping[str, str] | None = None,
    found: Preview | None = None,
) -> web.Response:
    async with request.app[DATABASE].read() as tx:
        context: dict[str, object] = {
            "here": "settings",
            "chrome": await read_chrome(request, tx),
            "silences": await silences.in_force(tx, micros_now()),
            "noise_filters": await noise.everything(tx),
            "said": _SAID.get(request.query.get("said", "")),
            "problem": problem,
            "typed": _EMPTY | (dict(typed) if typed is not None else {"enabled": "on"}),
            "found": found,
            "places": await incidents.places(tx, MAX_CHOICES),
            "durations": _DURATIONS,
        }
    return render(request, "silences.html", context, status=400 if problem else 200)


def _filter(form: Mapping[str, str]) -> FilterBody:
    """Return the filter of a form, which ends after some ``minutes``, at ``until``, or never."""
    minutes = read_number(form, "minutes", MAX_SNOOZE_MIN)
    until: object = form.get("until") or None
    if minutes:
        until = datetime.now(UTC) + timedelta(minutes=minutes)
    asked = {
        "pattern": form.get("pattern") or "*",
        "service": form.get("service", ""),
        "environment": form.get("environment", ""),
        "until": until,
        "about": form.get("about", ""),
        "enabled": "enabled" in form,
    }
    return msgspec.convert(asked, FilterBody)
