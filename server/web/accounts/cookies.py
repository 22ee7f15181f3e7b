"""The cookie that recognizes a browser."""

from aiohttp import hdrs, web

from server.accounts.secrets import digest, new_secret
from server.client import client_address
from server.keys import DATABASE, SETTINGS
from server.storage.main import sessions
from server.storage.times import micros_now
from server.web.auth import cookie_name

LIFE_S = 400 * 86_400
"""As long as browsers keep any cookie. The server decides when a session ends."""

MAX_AGENT = 300


async def sign_in(request: web.Request, person: int, address: str) -> web.Response:
    """Return a redirect to `address` that gives the browser a new session of this person."""
    secret = new_secret()
    async with request.app[DATABASE].write() as tx:
        await sessions.add(
            tx,
            digest=digest(secret),
            person_id=person,
            address=client_address(request),
            agent=request.headers.get(hdrs.USER_AGENT, "")[:MAX_AGENT],
            at=micros_now(),
        )
    response = see_other(address)
    settings = request.app[SETTINGS]
    response.set_cookie(
        cookie_name(settings),
        secret,
        max_age=LIFE_S,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=settings.public_url.startswith("https://"),
    )
    return response


def sign_out(request: web.Request, address: str) -> web.Response:
    """Return a redirect to `address` that removes the cookie."""
    settings = request.app[SETTINGS]
    response = see_other(address)
    response.del_cookie(
        cookie_name(settings),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=settings.public_url.startswith("https://"),
    )
    return response


def see_other(address: str) -> web.Response:
    """Return a redirect to `address`."""
    return web.Response(status=303, headers={hdrs.LOCATION: address})
