"""Which parameters each address of the API takes. Any other is refused: it would be a typing error.

A filter that is ignored answers with what was not asked for.
"""

import functools
from collections.abc import Mapping, Sequence

from aiohttp import web

from server.storage.main.deploy_list import DeployFilter
from server.storage.main.not_told import NotToldFilter
from server.storage.main.outbox import DeliveryFilter
from server.web.api.webhook_list import WebhookFilter

_PAGED = ("before", "limit")

PARAMETERS: Mapping[str, Sequence[str]] = {
    "/api/incidents": (
        *("state", "service", "environment", "trigger", "severity", "text"),
        *_PAGED,
    ),
    "/api/deploys": (*DeployFilter.__struct_fields__, *_PAGED),
    "/api/notifications": _PAGED,
    "/api/notifications/stream": ("after", "seen"),
    "/api/notifications/read-all": ("up_to",),
    "/api/webhooks": (*WebhookFilter.__struct_fields__, *_PAGED),
    "/api/deliveries": (*DeliveryFilter.__struct_fields__, *_PAGED),
    "/api/not-told": (*NotToldFilter.__struct_fields__, *_PAGED),
    "/api/dead-letters": ("state", *_PAGED),
}
"""By path; the other addresses take none."""


def strictly(route: web.RouteDef) -> web.RouteDef:
    """Return a route of the API that answers 400 to a parameter that it does not take."""
    known, handler = PARAMETERS.get(route.path, ()), route.handler

    @functools.wraps(handler)
    async def strict(request: web.Request) -> web.StreamResponse:
        for name in request.query:
            if name not in known:
                raise web.HTTPBadRequest(text=_refusal(name, known))
        return await handler(request)

    return web.RouteDef(route.method, route.path, strict, route.kwargs)


def _refusal(name: str, known: Sequence[str]) -> str:
    takes = f"it takes {', '.join(f'`{each}`' for each in known)}" if known else "it takes none"
    return f"`{name[:100]}` is not a parameter of this address; {takes}."
