"""The page of what nobody is notified of: silences, and noise filters.

Its forms work without JavaScript. If one is wrong, the page says what.
"""

import msgspec
from aiohttp import web

from server.keys import DATABASE
from server.storage.main import noise, silences
from server.storage.times import micros_now
from server.web.api import noise as filters
from server.web.api.noise import FilterBody
from server.web.api.silences import lift
from server.web.forms import read_form, words_of
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render

_PAGE = "/settings/silences"
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
    """``POST /settings/noise``."""
    try:
        await filters.add(request, await _filter(request))
    except (web.HTTPClientError, msgspec.ValidationError) as error:
        return await _page(request, words_of(error))
    raise web.HTTPSeeOther(f"{_PAGE}?said=saved#noise")


async def change_filter(request: web.Request) -> web.StreamResponse:
    """``POST /settings/noise/{id}``: changes a filter or, with its second button, removes it."""
    if "remove" in await read_form(request):
        await filters.remove(request)
        raise web.HTTPSeeOther(f"{_PAGE}?said=removed#noise")
    try:
        await filters.change(request, await _filter(request))
    except (web.HTTPClientError, msgspec.ValidationError) as error:
        return await _page(request, words_of(error))
    raise web.HTTPSeeOther(f"{_PAGE}?said=saved#noise")


async def _page(request: web.Request, problem: str | None = None) -> web.Response:
    async with request.app[DATABASE].read() as tx:
        context: dict[str, object] = {
            "here": "settings",
            "chrome": await read_chrome(request, tx),
            "silences": await silences.in_force(tx, micros_now()),
            "noise_filters": await noise.everything(tx),
            "said": _SAID.get(request.query.get("said", "")),
            "problem": problem,
        }
    return render(request, "silences.html", context, status=400 if problem else 200)


async def _filter(request: web.Request) -> FilterBody:
    form = await read_form(request)
    asked = {
        "pattern": form.get("pattern", ""),
        "about": form.get("about", ""),
        "enabled": "enabled" in form,
    }
    return msgspec.convert(asked, FilterBody)
