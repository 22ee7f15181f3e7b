"""``POST /api/test/simulate-incident``: an error as Sentry would send it, through everything."""

import secrets
from datetime import UTC, datetime

from aiohttp import web

from server.ingest.accept import accept
from server.ingest.sentry import parse_sentry
from server.ingest.simulate import RESOURCE, simulated_payload
from server.ingest.webhook import Webhook
from server.keys import SETTINGS


async def simulate_incident(request: web.Request) -> web.Response:
    """Make a new issue each time, so that it always notifies; only with ENABLE_TEST_ROUTES."""
    if not request.app[SETTINGS].enable_test_routes:
        raise web.HTTPNotFound(
            text="Simulations are off. Set ENABLE_TEST_ROUTES=true to turn them on."
        )
    now = datetime.now(UTC)
    body = simulated_payload(now, secrets.token_hex(16))
    webhook = Webhook(source="sentry", size_bytes=len(body), is_simulated=True)
    return await accept(request, webhook, parse_sentry(body, RESOURCE, now))
