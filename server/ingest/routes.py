"""The webhook endpoints: read, verify, parse, journal, answer."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
from aiohttp import hdrs, web

from server.client import client_address
from server.ingest.accept import accept, cut_off, invalid, refuse
from server.ingest.body_budget import BODY_BUDGET, RETRY_AFTER_S, within_budget
from server.ingest.delivery import Delivery, InvalidPayload
from server.ingest.failing import Failing
from server.ingest.generic import parse_generic
from server.ingest.github.events import parse_github
from server.ingest.sentry import parse_sentry
from server.ingest.signatures import (
    Verdict,
    Verification,
    verify_generic,
    verify_github,
    verify_sentry,
)
from server.ingest.unverified import without_authors
from server.ingest.webhook import Webhook, arrived
from server.keys import ENVIRONMENTS, SERVICES, SETTINGS
from server.process import log
from server.storage.main.webhooks import Route
from shared.pipe import ChangeWindowEntry, Entry, EventEntry

FAILING = web.AppKey("failing", Failing)

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_GITHUB_BODY_BYTES = 25 * 1024 * 1024

BODY_TIMEOUT_S = 10.0
"""How long a webhook's body may take to arrive. Sentry gives up after 1 s, GitHub after 10."""


class Unread(msgspec.Struct, frozen=True):
    """A body that was not read to its end: the status of the answer, and the reason."""

    status: HTTPStatus
    reason: str


def routes() -> list[web.RouteDef]:
    """Return a route for each webhook that PushLog takes."""
    return [
        web.post("/api/webhooks/sentry", within_budget(sentry)),
        web.post("/api/webhooks/incidents", within_budget(incidents)),
        web.post("/api/webhooks/github", within_budget(github)),
    ]


async def sentry(request: web.Request) -> web.Response:
    """Handle any resource of Sentry's integration platform, service hooks and legacy webhooks."""
    log.webhook_received("sentry")
    body = await _read(request, MAX_BODY_BYTES)
    if isinstance(body, Unread):
        return _unread(request, "sentry", body)
    verification = verify_sentry(
        request.app[SETTINGS].sentry_webhook_secrets, request.headers, body
    )
    resource = request.headers.get("Sentry-Hook-Resource")
    return await _take(
        request,
        arrived(request, "sentry", body),
        verification,
        lambda: _mapped(request, parse_sentry(body, resource, _now())),
    )


async def incidents(request: web.Request) -> web.Response:
    """Handle an event in PushLog's own form, from anything that can POST."""
    log.webhook_received("incidents")
    body = await _read(request, MAX_BODY_BYTES)
    if isinstance(body, Unread):
        return _unread(request, "incidents", body)
    settings = request.app[SETTINGS]
    return await _take(
        request,
        arrived(request, "incidents", body),
        verify_generic(settings.incident_webhook_secret, request.headers),
        lambda: _mapped(
            request,
            parse_generic(
                body,
                request.headers.get("Idempotency-Key"),
                _now(),
                announce_deploys=not settings.disable_deploy_incidents,
            ),
        ),
    )


async def github(request: web.Request) -> web.Response:
    """Handle GitHub's pushes, deployments and releases; answer its other webhooks, no more."""
    log.webhook_received("github")
    body = await _read(request, MAX_GITHUB_BODY_BYTES)
    if isinstance(body, Unread):
        return _unread(request, "github", body)
    settings = request.app[SETTINGS]
    return await _take(
        request,
        arrived(request, "github", body),
        verify_github(settings.github_webhook_secrets, request.headers, body),
        lambda: parse_github(
            body,
            event=request.headers.get("X-GitHub-Event"),
            delivery=request.headers.get("X-GitHub-Delivery"),
            content_type=request.content_type,
            received=_now(),
            services=request.app[SERVICES],
            environments=request.app[ENVIRONMENTS],
            announce_deploys=not settings.disable_deploy_incidents,
        ),
    )


async def _take(
    request: web.Request,
    webhook: Webhook,
    verification: Verification,
    parse: Callable[[], Delivery],
) -> web.Response:
    """Refuse the webhook, or parse and accept it.

    A sender who keeps failing is cut off before parsing, unless the signature is right. A sender
    who knows the secret is always heard, whatever it or another sender at the same address sent
    before: Sentry does not send again, and a body costs no more than its parsing.
    """
    webhook = msgspec.structs.replace(webhook, signature=verification.verdict)
    source = webhook.source
    if verification.verdict is Verdict.VERIFIED:
        try:
            delivery = parse()
        except InvalidPayload as error:
            return invalid(request, webhook, error)
        return await accept(request, webhook, delivery)
    failing, address = request.app[FAILING], client_address(request)
    if wait_s := await failing.wait_s(source, address):
        return cut_off(request, webhook, wait_s)
    if not verification.passed:
        await failing.count(source, address)
        return refuse(request, webhook, HTTPStatus.UNAUTHORIZED, verification.message)
    try:
        delivery = parse()
    except InvalidPayload as error:
        await failing.count(source, address)
        return invalid(request, webhook, error)
    await failing.forgive(source, address)
    return await accept(request, webhook, without_authors(delivery))


def _mapped(request: web.Request, delivery: Delivery) -> Delivery:
    """Return the delivery with the environments that people mean by their names."""
    environments = request.app[ENVIRONMENTS]
    entries: list[Entry] = []
    for entry in delivery.entries:
        if isinstance(entry, EventEntry | ChangeWindowEntry):
            environment = environments.of(entry.environment)
            entries.append(msgspec.structs.replace(entry, environment=environment))
        else:
            entries.append(entry)
    return msgspec.structs.replace(delivery, entries=tuple(entries))


async def _read(request: web.Request, limit: int) -> bytes | Unread:
    """Return the unpacked body of at most `limit` bytes; stop reading a longer one."""
    too_large = Unread(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is too large: at most {limit // 1024**2} MiB are accepted",
    )
    if (request.content_length or 0) > limit:
        return too_large
    body, budget = bytearray(), request.app[BODY_BUDGET]
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                if not budget.take(request, len(chunk)):
                    reason = "the memory for bodies is full of other requests that are under way"
                    return Unread(HTTPStatus.SERVICE_UNAVAILABLE, reason)
                body += chunk
                if len(body) > limit:
                    return too_large
    except TimeoutError:
        reason = f"the body did not arrive within {BODY_TIMEOUT_S:g} s"
        return Unread(HTTPStatus.REQUEST_TIMEOUT, reason)
    except web.RequestPayloadError:
        reason = "the body cannot be decompressed as its Content-Encoding says"
        return Unread(HTTPStatus.BAD_REQUEST, reason)
    except ConnectionError:
        # Nobody gets the answer, but the list of webhooks shows it: Sentry hangs up after 1 s.
        return Unread(HTTPStatus.BAD_REQUEST, "the sender hung up before the end of the body")
    return bytes(body)


def _unread(request: web.Request, source: Route, unread: Unread) -> web.Response:
    response = refuse(request, arrived(request, source, None), unread.status, unread.reason)
    if unread.status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers[hdrs.RETRY_AFTER] = str(RETRY_AFTER_S)
    return response


def _now() -> datetime:
    return datetime.now(UTC)
