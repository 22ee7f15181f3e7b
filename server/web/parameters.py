"""Which parameters each address of the API takes. Any other is refused: it would be a typing error.

A filter that is ignored answers with what was not asked for.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from aiohttp import web
from msgspec import Meta

from server.storage.main.dead_letters import Fate
from server.storage.main.deploy_figures import FiguresFilter
from server.storage.main.deploy_list import DeployFilter
from server.storage.main.incidents import IncidentState
from server.storage.main.not_told import NotToldFilter
from server.storage.main.outbox import DeliveryFilter
from server.web.api.deploys import PlaceInDeploys
from server.web.api.webhook_list import WebhookFilter
from server.web.api.webhooks import PlaceInWebhooks
from server.web.requests import MAX_TEXT, Limit, Number, PlaceInIncidents
from shared.event import Severity
from shared.incident import Trigger


def _filters(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _paged(place: Any) -> dict[str, Any]:
    return {"before": place, "limit": Limit}


PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "/api/incidents": {
        "state": IncidentState | Literal["all"],
        "service": str,
        "environment": str,
        "trigger": Trigger,
        "severity": Severity,
        "text": Annotated[str, Meta(max_length=MAX_TEXT)],
        **_paged(PlaceInIncidents),
    },
    "/api/deploys": {**_filters(DeployFilter), **_paged(PlaceInDeploys)},
    "/api/deploys/figures": _filters(FiguresFilter),
    "/api/notifications": _paged(Number),
    "/api/notifications/stream": {"after": Number, "seen": str},
    "/api/notifications/read-all": {"up_to": Number},
    "/api/webhooks": {**_filters(WebhookFilter), **_paged(PlaceInWebhooks)},
    "/api/deliveries": {**_filters(DeliveryFilter), **_paged(Number)},
    "/api/not-told": {**_filters(NotToldFilter), **_paged(Number)},
    "/api/dead-letters": {"state": Fate, **_paged(Number)},
    "/api/troubles": _paged(Number),
}
"""By path, the type of each; the other addresses take none. An empty value is the same as none."""


def strictly(route: web.RouteDef) -> web.RouteDef:
    """Return a route of the API that answers 400 to a parameter that it does not take."""
    known, handler = PARAMETERS.get(route.path, {}), route.handler

    @functools.wraps(handler)
    async def strict(request: web.Request) -> web.StreamResponse:
        for name in request.query:
            if name not in known:
                raise web.HTTPBadRequest(text=_refusal(name, known))
        return await handler(request)

    return web.RouteDef(route.method, route.path, strict, route.kwargs)


def _refusal(name: str, known: Iterable[str]) -> str:
    names = ", ".join(f"`{each}`" for each in known)
    takes = f"it takes {names}" if names else "it takes none"
    return f"`{name[:100]}` is not a parameter of this address; {takes}."
