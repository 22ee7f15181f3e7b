"""``POST /errors``: takes the errors of our own pages and passes them on to Sentry.

Pages may connect to nobody but this server, and what blocks advertising often blocks Sentry. So
the SDK sends its envelopes here (its option ``tunnel``). Without `VITE_SENTRY_DSN` nothing is here.
"""

from collections.abc import AsyncIterator

import msgspec
from aiohttp import hdrs, web
from limits import RateLimitItemPerMinute

from server.client import client_address
from server.keys import SETTINGS
from server.process.counts import Counts
from server.process.outgoing import open_session
from server.process.senders import sender_of
from server.web.auth import for_anybody
from server.web.browser_errors.dsn import Dsn, read_dsn
from server.web.browser_errors.envelope import dsn_of
from server.web.browser_errors.relay import Relay

PATH = "/errors"

MAX_ENVELOPE_BYTES = 200_000
"""An error with 30 breadcrumbs has less than a tenth of this."""

REPORTS_A_MINUTE = 30
"""For one address. A page that fails once a second is known by then."""

MAX_SENDERS = 1_000
"""Beyond that, all begin again; how many reports are under way at once is limited elsewhere."""

LIMIT = RateLimitItemPerMinute(REPORTS_A_MINUTE)


class Tunnel(msgspec.Struct, frozen=True):
    """What the handler needs: where errors go, who sends them there, and who sent how many."""

    dsn: Dsn
    relay: Relay
    reports: Counts


TUNNEL = web.AppKey("tunnel", Tunnel)


def routes() -> list[web.RouteDef]:
    """Return the one route: for anybody, because the page of the sign-in may fail too."""
    return [web.post(PATH, for_anybody(take_envelope))]


def set_up_browser_errors(app: web.Application) -> None:
    """Have `app` pass errors on, if `VITE_SENTRY_DSN` says where to."""
    if app[SETTINGS].vite_sentry_dsn is not None:
        app.cleanup_ctx.append(_tunnel)


async def take_envelope(request: web.Request) -> web.Response:
    """Pass the envelope on; answer 400 if it is for another DSN, and 413 or 429 if it is too much.

    The answer says nothing of what Sentry said, except when it wants the next one.
    """
    tunnel = request.app.get(TUNNEL)
    if tunnel is None:
        raise web.HTTPNotFound
    if wait_s := await tunnel.reports.hit(LIMIT, sender_of(client_address(request))):
        raise web.HTTPTooManyRequests(headers={hdrs.RETRY_AFTER: str(wait_s)})
    envelope = await _read(request)
    if dsn_of(envelope) != tunnel.dsn.public:
        raise web.HTTPBadRequest(text="This is not an envelope for the DSN of these pages.")
    outcome = await tunnel.relay.pass_on(envelope)
    response = web.json_response({}, status=outcome.status)
    if outcome.retry_after_s is not None:
        response.headers[hdrs.RETRY_AFTER] = str(outcome.retry_after_s)
    return response


async def _tunnel(app: web.Application) -> AsyncIterator[None]:
    dsn = read_dsn(app[SETTINGS].vite_sentry_dsn or "")
    async with open_session(app[SETTINGS].outgoing_networks) as session:
        app[TUNNEL] = Tunnel(dsn, Relay(session, dsn.envelope_url), Counts(MAX_SENDERS))
        yield


async def _read(request: web.Request) -> bytes:
    """Return the unpacked body; stop reading one that is too large."""
    size_bytes = request.content_length or 0
    body = bytearray()
    if size_bytes <= MAX_ENVELOPE_BYTES:
        async for chunk in request.content.iter_any():
            body += chunk
            size_bytes = len(body)
            if size_bytes > MAX_ENVELOPE_BYTES:
                break
    if size_bytes > MAX_ENVELOPE_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_ENVELOPE_BYTES, size_bytes)
    return bytes(body)
