"""The page of the integrations: what to copy, which steps are done, and a simulated incident."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from server.keys import DATABASE, OFFICE, SETTINGS
from server.storage.main import decisions
from server.web.api.integrations import read_integrations, read_signs
from server.web.api.simulate import simulate_incident
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.requests import read_number
from server.wording.explain import explain_decision


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /integrations``."""
    return await _page(request)


async def simulate_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /integrations/simulate``: does the same as the API, and redirects back to the page."""
    response = await simulate_incident(request)
    said = msgspec.json.decode(response.text or "{}", type=dict[str, object])
    if response.status != HTTPStatus.ACCEPTED:
        return await _page(request, problem=f"{said.get('error')}.")
    raise web.HTTPSeeOther(f"/integrations?simulated={said['seq']}#simulate")


async def _page(request: web.Request, problem: str | None = None) -> web.Response:
    simulated = read_number(request.query, "simulated")
    settings = request.app[SETTINGS]
    signs = await read_signs(request)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        found = await read_integrations(settings, tx, signs)
        decision = None if simulated is None else await decisions.get(tx, simulated)
    return render(
        request,
        "integrations.html",
        {
            "here": "integrations",
            "chrome": chrome,
            "problem": problem,
            "found": found,
            "looked_at": signs.looked_at,
            "floor": settings.incident_notification_min_severity,
            "slack_request_url": f"{settings.public_url}/api/slack/interactions",
            "channels": request.app[OFFICE].channels,
            "simulated": simulated,
            "became": None if decision is None else explain_decision(decision),
            "incident_id": None if decision is None else decision.incident_id,
        },
        status=HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK,
    )
