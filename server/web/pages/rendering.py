"""Renders templates into answers: the environment, what every page shows, and its headers."""

import functools
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

import aiohttp_jinja2
import jinja2
from aiohttp import hdrs, web

from server.keys import LIVE, SETTINGS
from server.middlewares import refused_for_now
from server.web.assets import asset_url
from server.web.auth import Handler
from server.web.browser_errors.page import reporting
from server.wording import formats
from server.wording.changes import bell_words
from server.wording.deploys import per_minute, say_events, say_rate, short_name, watched_until
from server.wording.incoming import OUTCOMES
from server.wording.numbers import say_number, say_span
from shared.text import first_line

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_SEEN = web.RequestKey("seen", str)

_TITLES = {
    HTTPStatus.FORBIDDEN: "Not allowed",
    HTTPStatus.NOT_FOUND: "Not found",
}


def set_up_templates(app: web.Application) -> None:
    """Make the templates known to `render`."""
    app[aiohttp_jinja2.APP_KEY] = _environment()


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "first_line": first_line,
        "ago": formats.ago,
        "clock": formats.clock,
        "clock_seconds": formats.clock_seconds,
        "error_events": say_events,
        "error_rate": say_rate,
        "per_minute": per_minute,
        "lasted": formats.lasted,
        "number": say_number,
        "outcome_name": OUTCOMES.__getitem__,
        "percent": formats.percent,
        "place_of_frame": formats.place_of_frame,
        "short_clock": formats.short_clock,
        "short_name": short_name,
        "size": formats.size,
        "source_name": formats.source_name,
        "span": say_span,
        "utc": formats.utc,
        "web_url": formats.web_url,
    }
    environment.globals["asset"] = asset_url
    environment.globals["bell_words"] = bell_words
    environment.globals["counted"] = formats.counted
    environment.globals["now"] = _now
    environment.globals["watched_until"] = watched_until
    return environment


def render(
    request: web.Request, template: str, context: dict[str, object], status: int = 200
) -> web.Response:
    """Return the page, compressed if the reader accepts that."""
    shown_always = {"seen": request[_SEEN], "reporting": reporting(request.app[SETTINGS])}
    context = {**shown_always, **context}
    response = aiohttp_jinja2.render_template(template, request, context, status=status)
    response.enable_compression()
    return response


def as_page(handler: Handler) -> Handler:
    """Return `handler` with its answers made into pages: errors too, and with a page's headers."""

    @functools.wraps(handler)
    async def page(request: web.Request) -> web.StreamResponse:
        # Before anything is read: a change in between makes the page out of date.
        request[_SEEN] = request.app[LIVE].version
        try:
            response = await handler(request)
        except web.HTTPRedirection as redirection:
            redirection.headers.update(SECURITY_HEADERS)
            raise
        except web.HTTPUnauthorized:
            response = _to_sign_in(request)
        except web.HTTPClientError as error:
            response = _problem(request, error)
        except web.HTTPException:
            raise
        except Exception as error:
            refusal = refused_for_now(request, error)
            if refusal is None:
                raise
            response = _problem(request, refusal)
        response.headers.update(SECURITY_HEADERS)
        response.headers.setdefault(hdrs.CACHE_CONTROL, "private, no-cache")
        return response

    return page


def _to_sign_in(request: web.Request) -> web.Response:
    """Redirect to the sign-in, and back afterwards if going back does no more than show a page."""
    back = (
        f"?{urlencode({'next': request.path_qs}, safe='/')}"
        if request.method == hdrs.METH_GET
        else ""
    )
    return web.Response(status=303, headers={hdrs.LOCATION: f"/login{back}"})


def _problem(request: web.Request, error: web.HTTPError) -> web.Response:
    status = HTTPStatus(error.status)
    context: dict[str, object] = {
        "status": status.value,
        "title": _TITLES.get(status, status.phrase),
        "text": error.text if error.text != f"{status.value}: {error.reason}" else "",
    }
    response = render(request, "problem.html", context, status=status)
    if hdrs.RETRY_AFTER in error.headers:
        response.headers[hdrs.RETRY_AFTER] = error.headers[hdrs.RETRY_AFTER]
    return response


def _now() -> datetime:
    return datetime.now(UTC)
