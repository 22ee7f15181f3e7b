"""The page of settings: what a person is told of, and whether the channels work.

It does the same as the API, with forms that work without JavaScript. If a form is wrong, the page
says so and keeps the input as it was typed.
"""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from server.keys import DATABASE, OFFICE, SETTINGS
from server.storage.main import people
from server.web.api import deliveries
from server.web.api.wishes import WishesBody, change_wishes
from server.web.auth import person_id
from server.web.forms import read_form, words_of
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render

_SAID = {
    "saved": "Saved.",
    "sent-email": "A test mail was sent to you.",
    "sent-slack": "A test message was sent to Slack.",
}


class WishesForm(msgspec.Struct, frozen=True):
    """The fields as they are typed: lists with commas, where an empty list means all."""

    email: str
    email_incidents: bool
    min_severity: str
    services: str
    environments: str


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /settings``."""
    return await _page(request)


async def save_wishes(request: web.Request) -> web.StreamResponse:
    """``POST /settings/notifications``."""
    typed = _typed(await read_form(request))
    asked = {
        "email": typed.email or None,
        "email_incidents": typed.email_incidents,
        "min_severity": typed.min_severity,
        "services": _listed(typed.services),
        "environments": _listed(typed.environments),
    }
    try:
        await change_wishes(request, msgspec.convert(asked, WishesBody))
    except (web.HTTPClientError, msgspec.ValidationError) as error:
        return await _page(request, problem=words_of(error), typed=typed)
    raise web.HTTPSeeOther("/settings?said=saved")


async def try_channel(request: web.Request) -> web.StreamResponse:
    """``POST /settings/channels/{channel}/test``: sends a test message, or says what went wrong."""
    try:
        channel, _ = await deliveries.send_test(request)
    except (web.HTTPClientError, web.HTTPBadGateway) as error:
        return await _page(request, problem=words_of(error))
    raise web.HTTPSeeOther(f"/settings?said=sent-{channel}")


async def _page(
    request: web.Request, *, problem: str | None = None, typed: WishesForm | None = None
) -> web.Response:
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        person = await people.get(tx, person_id(request))
    if person is None:
        raise web.HTTPNotFound(text="You are not among the people of this installation.")
    known = WishesForm(
        email=person.email or "",
        email_incidents=person.email_incidents,
        min_severity=person.min_severity,
        services=", ".join(person.services or ()),
        environments=", ".join(person.environments or ()),
    )
    return render(
        request,
        "settings.html",
        {
            "here": "settings",
            "chrome": chrome,
            "said": _SAID.get(request.query.get("said", "")),
            "problem": problem,
            "wishes": typed or known,
            "floor": request.app[SETTINGS].incident_notification_min_severity,
            "channels": request.app[OFFICE].channels,
        },
        status=400 if problem else 200,
    )


def _typed(fields: Mapping[str, str]) -> WishesForm:
    return WishesForm(
        email=fields.get("email", ""),
        email_incidents="email_incidents" in fields,
        min_severity=fields.get("min_severity", "all"),
        services=fields.get("services", ""),
        environments=fields.get("environments", ""),
    )


def _listed(text: str) -> list[str] | None:
    """Return the names between commas, or None if there are none, which means all."""
    return [name for each in text.split(",") if (name := each.strip())] or None
