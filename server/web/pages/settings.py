"""The page of settings: what a person is told of, and whether the channels work.

It does the same as the API, with forms that work without JavaScript. If a form is wrong, the page
says so and keeps the input as it was typed.
"""

import functools
from collections.abc import Sequence

import msgspec
from aiohttp import web

from server.keys import DATABASE, OFFICE, SETTINGS
from server.storage.database import Transaction
from server.storage.main import deploy_list, incidents, people
from server.storage.main.people import DAYS
from server.web.api import deliveries
from server.web.api.appearance import AppearanceBody, change_appearance
from server.web.api.wishes import WishesBody, change_wishes, time_zones
from server.web.auth import person_id
from server.web.forms import MAX_CHOICES, read_form, words_of
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render

_SAID = {
    "saved": "Saved.",
    "sent-email": "A test mail was sent to you.",
    "sent-slack": "A test message was sent to Slack.",
    "sent-webhook": "Each webhook took a test call.",
    "sent-apprise": "A test message was sent by Apprise.",
}


class WishesForm(msgspec.Struct, frozen=True):
    """The fields as they are filled in; no service, or no environment, means all."""

    email: str
    email_incidents: bool
    min_severity: str
    services: Sequence[str]
    environments: Sequence[str]
    my_commits: str
    days: Sequence[str]
    begin: str
    end: str
    time_zone: str
    summary: str


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /settings``."""
    return await _page(request)


async def save_wishes(request: web.Request) -> web.StreamResponse:
    """``POST /settings/notifications``."""
    typed = await _typed(request)
    asked = {
        "email": typed.email or None,
        "email_incidents": typed.email_incidents,
        "min_severity": typed.min_severity,
        "services": typed.services or None,
        "environments": typed.environments or None,
        "my_commits": typed.my_commits,
        "working_hours": _hours(typed),
        "summary": typed.summary,
    }
    try:
        await change_wishes(request, msgspec.convert(asked, WishesBody))
    except (web.HTTPClientError, msgspec.ValidationError) as error:
        return await _page(request, problem=words_of(error), typed=typed)
    raise web.HTTPSeeOther("/settings?said=saved")


async def save_appearance(request: web.Request) -> web.StreamResponse:
    """``POST /settings/appearance``."""
    try:
        body = msgspec.convert(await read_form(request), AppearanceBody)
    except msgspec.ValidationError as error:
        return await _page(request, problem=words_of(error))
    await change_appearance(request, body)
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
        hours = person.working_hours
        wishes = typed or WishesForm(
            email=person.email or "",
            email_incidents=person.email_incidents,
            min_severity=person.min_severity,
            services=person.services or (),
            environments=person.environments or (),
            my_commits=person.my_commits,
            days=hours.days if hours else (),
            begin=hours.begin if hours else "09:00",
            end=hours.end if hours else "18:00",
            time_zone=hours.time_zone if hours else "UTC",
            summary=person.summary,
        )
        to_choose = await _to_choose(tx, wishes)
    return render(
        request,
        "settings.html",
        {
            "here": "settings",
            "chrome": chrome,
            "said": _SAID.get(request.query.get("said", "")),
            "problem": problem,
            "wishes": wishes,
            "to_choose": to_choose,
            "days": DAYS,
            "time_zones": _time_zones(),
            "tell_authors_from": request.app[SETTINGS].suspect_author_min_confidence,
            "floor": request.app[SETTINGS].incident_notification_min_severity,
            "channels": request.app[OFFICE].channels,
        },
        status=400 if problem else 200,
    )


async def _typed(request: web.Request) -> WishesForm:
    fields, form = await read_form(request), await request.post()
    return WishesForm(
        email=fields.get("email", ""),
        email_incidents="email_incidents" in fields,
        min_severity=fields.get("min_severity", "all"),
        services=[str(each) for each in form.getall("services", [])],
        environments=[str(each) for each in form.getall("environments", [])],
        my_commits=fields.get("my_commits", "email"),
        days=[str(each) for each in form.getall("days", [])],
        begin=fields.get("begin", ""),
        end=fields.get("end", ""),
        time_zone=fields.get("time_zone", ""),
        summary=fields.get("summary", "off"),
    )


def _hours(typed: WishesForm) -> dict[str, object] | None:
    """Return the working hours; without a day, there are none."""
    if not typed.days:
        return None
    return {
        "days": typed.days,
        "begin": typed.begin,
        "end": typed.end,
        "time_zone": typed.time_zone,
    }


@functools.cache
def _time_zones() -> list[str]:
    return sorted(zone for zone in time_zones() if "/" in zone or zone == "UTC")


async def _to_choose(tx: Transaction, chosen: WishesForm) -> dict[str, list[str]]:
    """Return the services and environments that are known or chosen, by name."""
    places = await incidents.places(tx, MAX_CHOICES)
    services, environments = await deploy_list.places(tx)
    return {
        "services": sorted({*places.services, *services, *chosen.services}),
        "environments": sorted({*places.environments, *environments, *chosen.environments}),
    }
