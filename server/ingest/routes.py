"""The webhooks: read, verify, parse, journal, answer."""

from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from server import log
from server.ingest.accept import accept, invalid, refuse
from server.ingest.delivery import InvalidPayload
from server.ingest.generic import parse_generic
from server.ingest.github.events import parse_github
from server.ingest.sentry import parse_sentry
from server.ingest.signatures import verify_generic, verify_github, verify_sentry
from server.keys import SERVICES, SETTINGS

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_GITHUB_BODY_BYTES = 25 * 1024 * 1024


def routes() -> list[web.RouteDef]:
    """Each webhook that PushLog takes."""
    return [
        web.post("/api/webhooks/sentry", sentry),
        web.post("/api/webhooks/incidents", incidents),
        web.post("/api/webhooks/github", github),
    ]


async def sentry(request: web.Request) -> web.Response:
    """Any resource of Sentry's integration platform, its service hooks and legacy webhooks."""
    log.webhook_received("sentry")
    body = await _read(request, MAX_BODY_BYTES)
    if body is None:
        return _too_large(request, "sentry", MAX_BODY_BYTES)
    verdict = verify_sentry(request.app[SETTINGS].sentry_webhook_secrets, request.headers, body)
    if not verdict.passed:
        return refuse(request, "sentry", HTTPStatus.UNAUTHORIZED, verdict.message)
    try:
        delivery = parse_sentry(body, request.headers.get("Sentry-Hook-Resource"), _now())
    except InvalidPayload as error:
        return invalid(request, "sentry", error)
    return await accept(request, "sentry", delivery)


async def incidents(request: web.Request) -> web.Response:
    """An event in PushLog's own form, from anything that can POST."""
    log.webhook_received("incidents")
    body = await _read(request, MAX_BODY_BYTES)
    if body is None:
        return _too_large(request, "incidents", MAX_BODY_BYTES)
    settings = request.app[SETTINGS]
    verdict = verify_generic(settings.incident_webhook_secret, request.headers)
    if not verdict.passed:
        return refuse(request, "incidents", HTTPStatus.UNAUTHORIZED, verdict.message)
    try:
        delivery = parse_generic(
            body,
            request.headers.get("Idempotency-Key"),
            _now(),
            announce_deploys=not settings.disable_deploy_incidents,
        )
    except InvalidPayload as error:
        return invalid(request, "incidents", error)
    return await accept(request, "incidents", delivery)


async def github(request: web.Request) -> web.Response:
    """GitHub's pushes, deployments and releases; the rest is answered and left."""
    log.webhook_received("github")
    body = await _read(request, MAX_GITHUB_BODY_BYTES)
    if body is None:
        return _too_large(request, "github", MAX_GITHUB_BODY_BYTES)
    settings = request.app[SETTINGS]
    verdict = verify_github(settings.github_webhook_secrets, request.headers, body)
    if not verdict.passed:
        return refuse(request, "github", HTTPStatus.UNAUTHORIZED, verdict.message)
    try:
        delivery = parse_github(
            body,
            event=request.headers.get("X-GitHub-Event"),
            delivery=request.headers.get("X-GitHub-Delivery"),
            content_type=request.content_type,
            received=_now(),
            services=request.app[SERVICES],
            announce_deploys=not settings.disable_deploy_incidents,
        )
    except InvalidPayload as error:
        return invalid(request, "github", error)
    return await accept(request, "github", delivery)


async def _read(request: web.Request, limit: int) -> bytes | None:
    """The body, or none where it is over `limit` bytes, unpacked; the rest is not read then."""
    if (request.content_length or 0) > limit:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def _too_large(request: web.Request, source: str, limit: int) -> web.Response:
    reason = f"the body is over {limit // 1024**2} MiB, which is as much as is read"
    return refuse(request, source, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)


def _now() -> datetime:
    return datetime.now(UTC)
