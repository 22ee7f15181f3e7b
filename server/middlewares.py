"""Rules for every request: how long its body may take, and how an error is reported."""

import asyncio
import logging

import msgspec
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from server.keys import CRASHES
from server.process import log
from server.storage.errors import why_unusable

BODY_TIMEOUT_S = 20.0
"""How long any body may take to arrive. A webhook's body has less (`ingest`)."""

RETRY_AFTER_S = 5
"""When to try again if a database cannot be used."""

_KEPT = (hdrs.ALLOW, hdrs.RETRY_AFTER, hdrs.WWW_AUTHENTICATE)


class ErrorAnswer(msgspec.Struct):
    """Why a request was refused or failed, in words."""

    error: str


@web.middleware
async def bodies_in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 408 to somebody who sends a byte now and then and would hold a handler forever.

    Only the body is timed: once it has arrived, the handler takes as long as it needs.
    """
    if request.content.is_eof():
        return await handler(request)
    has_come = False

    def come() -> None:
        nonlocal has_come
        if not has_come:
            has_come = True
            limit.reschedule(None)

    try:
        async with asyncio.timeout(BODY_TIMEOUT_S) as limit:
            request.content.on_eof(come)
            try:
                return await handler(request)
            finally:
                has_come = True
    except TimeoutError:
        if not limit.expired():
            raise
        slow = f"its body did not come within {BODY_TIMEOUT_S:g} s"
        log.server(logging.WARNING, f"{request.method} {request.path}: {slow}", cause=slow)
        raise web.HTTPRequestTimeout(text="The body did not arrive in time.") from None


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return errors under ``/api/``, ``/health`` and the like as JSON; log and report a defect."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _told(request, error)
    except web.RequestPayloadError:
        return _told(request, web.HTTPBadRequest(text="The body cannot be decompressed."))
    except Exception as error:
        refusal = refused_for_now(request, error)
        if refusal is not None:
            return _told(request, refusal)
        if isinstance(error, ConnectionError) and request.transport is None:
            # The sender hung up in the middle of the body: not a defect, and nobody to answer.
            return web.Response(status=400)
        # This is the one place that catches unforeseen errors, so that the process lives on.
        log.server(
            logging.ERROR, f"{request.method} {request.path} failed: {error!r}", exc_info=error
        )
        request.app[CRASHES].report(error)
        return _told(request, web.HTTPInternalServerError(text="PushLog failed. Its log says why."))


def refused_for_now(request: web.Request, error: Exception) -> web.HTTPServiceUnavailable | None:
    """Return what to answer if a database cannot be used at the moment; None for other errors."""
    reason = why_unusable(error)
    if reason is None:
        return None
    why = f"the database cannot be used now: {reason}"
    log.server(logging.ERROR, f"{request.method} {request.path}: {why}", cause=why)
    return web.HTTPServiceUnavailable(
        text=f"Nothing was done: {why}. Try again in a moment.",
        headers={hdrs.RETRY_AFTER: str(RETRY_AFTER_S)},
    )


def _told(request: web.Request, error: web.HTTPException) -> web.Response:
    """Return the error as JSON if the path is the API's; otherwise raise it, as plain text."""
    if not request.path.startswith(("/api/", "/health", "/metrics")):
        raise error
    kept = {name: error.headers[name] for name in _KEPT if name in error.headers}
    told = msgspec.to_builtins(ErrorAnswer(error.text or error.reason))
    return web.json_response(told, status=error.status, headers=kept)
