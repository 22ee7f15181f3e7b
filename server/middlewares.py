"""What holds for every request: an error is told in the form that its reader expects."""

import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from server import log
from server.keys import CRASHES


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Under ``/api/``, ``/health`` and the like errors are JSON; a defect is logged and said."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        if not _wants_json(request):
            raise
        return web.json_response(
            {"error": error.text or error.reason}, status=error.status, headers=_kept(error)
        )
    except Exception as error:
        # The one place where what nobody could name is caught: the process lives on.
        log.server(
            logging.ERROR, f"{request.method} {request.path} failed: {error!r}", exc_info=error
        )
        request.app[CRASHES].report(error)
        if not _wants_json(request):
            raise web.HTTPInternalServerError(text="PushLog failed; its log says how.") from error
        return web.json_response({"error": "PushLog failed; its log says how."}, status=500)


def _wants_json(request: web.Request) -> bool:
    return request.path.startswith(("/api/", "/health", "/metrics"))


def _kept(error: web.HTTPException) -> dict[str, str]:
    return {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
