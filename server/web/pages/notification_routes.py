"""The page of the routes: who is told of which incidents, and when, with what each would do.

Its forms work without JavaScript. If one is wrong, the page says what.
"""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from server.keys import DATABASE, SETTINGS
from server.notify.channels import outlets_of
from server.storage.main import incidents, notification_routes, people
from server.storage.main.notification_routes import MAX_COUNT, WHENS, Route, RouteTarget
from server.web.api import notification_routes as routes
from server.web.api.notification_routes import RouteBody, is_set_up, offered_targets
from server.web.api.route_preview import RoutePreview, preview
from server.web.api.who_hears import WhoAnswer, WhoBody, who
from server.web.forms import MAX_CHOICES, read_form, words_of
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.requests import TRIGGERS, read_number
from server.wording.routes import say_conditions, say_decisions, say_target, say_when
from shared.event import PRODUCTION

_PAGE = "/settings/routes"
_ASKED = {
    "incident_id": "incident",
    "service": "for_service",
    "environment": "for_environment",
    "severity": "for_severity",
    "trigger": "for_trigger",
    "path": "for_path",
}
"""The fields of a `WhoBody`, and what they are called in an address."""
_MADE_UP = dict.fromkeys(_ASKED, "") | {"environment": PRODUCTION, "severity": "error"}
"""What the form to make up an incident is filled with at first."""
_SAID = {
    "saved": "Saved.",
    "removed": "The route is removed.",
    "moved": "The route is moved up.",
}


class RouteForm(msgspec.Struct, frozen=True, kw_only=True):
    """The fields as they are filled in: what is not decided is empty.

    `whom` and `where` are ``only`` if the route decides about people and targets.
    """

    service: str = ""
    environment: str = ""
    severity: str = ""
    trigger: str = ""
    path: str = ""
    when: str = ""
    count: str = ""
    whom: str = ""
    people: Sequence[str] = ()
    where: str = ""
    targets: Sequence[str] = ()
    slack_channel: str = ""
    about: str = ""
    enabled: bool = True


class RouteRow(msgspec.Struct, frozen=True):
    """A route as the page lists it; `form` is what its form is filled with.

    `gone` are the targets that it names and that are no longer set up.
    """

    route: Route
    conditions: str
    decisions: list[str]
    gone: list[str]
    form: RouteForm


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /settings/routes``; with ``incident`` or ``for_service``, who would hear of it."""
    asked = {
        field: value
        for field, name in _ASKED.items()
        if (value := request.query.get(name, "").strip())
    }
    if not asked:
        return await _page(request)
    try:
        found = await who(request, msgspec.convert(asked, WhoBody))
    except (web.HTTPClientError, msgspec.ValidationError) as error:
        return await _page(request, words_of(error), asked=asked)
    return await _page(request, asked=asked, found=found)


async def add_route(request: web.Request) -> web.StreamResponse:
    """``POST /settings/routes``: adds a route or, with ``preview``, shows what it would tell."""
    form = await _typed(request)
    try:
        body = _body(form)
        if "preview" in await request.post():
            return await _page(request, typed=form, preview=await preview(request, body))
        await routes.add(request, body)
    except (web.HTTPClientError, msgspec.ValidationError) as error:
        return await _page(request, words_of(error), typed=form)
    raise web.HTTPSeeOther(f"{_PAGE}?said=saved")


async def change_route(request: web.Request) -> web.StreamResponse:
    """``POST /settings/routes/{id}``: changes a route or, by other buttons, moves or removes it."""
    pressed = await request.post()
    if "remove" in pressed:
        await routes.remove(request)
        raise web.HTTPSeeOther(f"{_PAGE}?said=removed")
    if "up" in pressed:
        await routes.move_up(request)
        raise web.HTTPSeeOther(f"{_PAGE}?said=moved")
    try:
        await routes.change(request, _body(await _typed(request)))
    except (web.HTTPClientError, msgspec.ValidationError) as error:
        return await _page(request, words_of(error))
    raise web.HTTPSeeOther(f"{_PAGE}?said=saved")


async def _page(
    request: web.Request,
    problem: str | None = None,
    *,
    typed: RouteForm | None = None,
    preview: RoutePreview | None = None,
    asked: dict[str, str] | None = None,
    found: WhoAnswer | None = None,
) -> web.Response:
    outlets = outlets_of(request.app[SETTINGS])
    async with request.app[DATABASE].read() as tx:
        everyone = await people.everyone(tx)
        names = {each.id: each.name for each in everyone}
        known = await notification_routes.everything(tx)
        context: dict[str, object] = {
            "here": "settings",
            "chrome": await read_chrome(request, tx),
            "places": await incidents.places(tx, MAX_CHOICES),
        }
    rows = [
        RouteRow(
            route=each,
            conditions=say_conditions(each),
            decisions=say_decisions(each, names),
            gone=[say_target(one) for one in each.targets or () if not is_set_up(one, outlets)],
            form=_form_of(each),
        )
        for each in known
    ]
    context |= {
        "routes": rows,
        "numbers": {each.id: number for number, each in enumerate(known, 1)},
        "everyone": everyone,
        "targets": [(_value(each), say_target(each)) for each in offered_targets(outlets)],
        "slack_bot": outlets.slack == "bot",
        "whens": [(each, say_when(each)) for each in WHENS],
        "triggers": TRIGGERS,
        "max_count": MAX_COUNT,
        "said": _SAID.get(request.query.get("said", "")),
        "problem": problem,
        "typed": typed or RouteForm(),
        "preview": preview,
        "asked": _MADE_UP | (asked or {}),
        "found": found,
    }
    return render(request, "routes.html", context, status=400 if problem else 200)


async def _typed(request: web.Request) -> RouteForm:
    fields, form = await read_form(request), await request.post()
    lists = {
        name: [each for each in form.getall(name, []) if isinstance(each, str)]
        for name in ("people", "targets")
    }
    texts = {name: fields.get(name, "") for name in RouteForm.__struct_fields__}
    return msgspec.convert(texts | lists | {"enabled": "enabled" in fields}, RouteForm)


def _body(form: RouteForm) -> RouteBody:
    """Return the route of a form."""
    timing: dict[str, object] | None = None
    if form.when:
        timing = {"when": form.when}
        if form.when.startswith("after_"):
            timing["count"] = read_number({"count": form.count}, "count", MAX_COUNT)
    asked = {
        "service": form.service,
        "environment": form.environment,
        "severity": form.severity or None,
        "trigger": form.trigger or None,
        "path": form.path,
        "timing": timing,
        "people": [int(each) for each in form.people if each.isdecimal()] if form.whom else None,
        "targets": list(map(_target, _chosen(form))) if form.where else None,
        "about": form.about,
        "enabled": form.enabled,
    }
    return msgspec.convert(asked, RouteBody)


def _chosen(form: RouteForm) -> list[str]:
    others = [f"slack/{form.slack_channel}"] if form.slack_channel else []
    return [*form.targets, *others]


def _target(value: str) -> dict[str, str]:
    channel, _, receiver = value.partition("/")
    return {"channel": channel, "receiver": receiver}


def _value(target: RouteTarget) -> str:
    return f"{target.channel}/{target.receiver}"


def _form_of(route: Route) -> RouteForm:
    targets = route.targets or []
    in_slack = [each.receiver for each in targets if each.channel == "slack" and each.receiver]
    return RouteForm(
        service=route.service,
        environment=route.environment,
        severity=route.severity or "",
        trigger=route.trigger or "",
        path=route.path,
        when=route.timing.when if route.timing else "",
        count=str(route.timing.count or "") if route.timing else "",
        whom="" if route.people is None else "only",
        people=[str(each) for each in route.people or ()],
        where="" if route.targets is None else "only",
        targets=[_value(each) for each in targets if each.channel != "slack" or not each.receiver],
        slack_channel=in_slack[0] if in_slack else "",
        about=route.about,
        enabled=route.enabled,
    )
