"""Who may see the pages and the API: people who are signed in, and programs with a token.

Pages of other sites can change nothing: a browser says where a request comes from (see
`from_another_site`), and does not send our cookie with the posts of other sites (SameSite=Lax).
"""

import contextlib
import functools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from aiohttp import hdrs, web

from server.accounts.secrets import digest
from server.keys import DATABASE, SETTINGS
from server.settings.settings import Settings
from server.storage.errors import STORAGE_TROUBLE
from server.storage.main import api_tokens, sessions
from server.storage.main.accounts import Role
from server.storage.times import to_micros

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


_HOW = (
    "Sign in, or send a token: Authorization: Bearer TOKEN. Create tokens in Settings, Account, "
    "or with scripts/people token."
)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and by what: the session of a browser, or the token of a program."""

    person_id: int
    role: Role
    session_id: int | None = None
    token_id: int | None = None


_IDENTITY = web.RequestKey("identity", Identity)


def person_id(request: web.Request) -> int:
    """Who asks; for handlers that `for_people` or one of its kind lets requests through to."""
    return identity(request).person_id


def identity(request: web.Request) -> Identity:
    """Who asks, and by what; for the same handlers."""
    return request[_IDENTITY]


def for_people(handler: Handler) -> Handler:
    """Answer 401 unless somebody is signed in or gives a token; 403 what another site asks for."""
    return _guarded(handler, "anybody")


def for_admins(handler: Handler) -> Handler:
    """The same, and 403 for who is no admin."""
    return _guarded(handler, "admin")


def for_sessions(handler: Handler) -> Handler:
    """The same as `for_people`, but for browsers only: a token that leaks makes no other one."""
    return _guarded(handler, "session")


def for_anybody(handler: Handler) -> Handler:
    """Without signing in; what another site asks for is refused all the same."""

    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        _refuse_other_sites(request)
        return await handler(request)

    return guarded


async def read_identity(request: web.Request) -> Identity | None:
    """Who the request's token or cookie stands for; a wrong token is nobody, whatever else is."""
    now = to_micros(datetime.now(UTC))
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer":
        return await _by_token(request, token.strip(), now)
    secret = request.cookies.get(cookie_name(request.app[SETTINGS]))
    return None if secret is None else await _by_cookie(request, secret, now)


async def still_allowed(request: web.Request) -> bool:
    """Whether who asked when a long answer began may go on to read it."""
    found = await read_identity(request)
    return found is not None and found.person_id == person_id(request)


def cookie_name(settings: Settings) -> str:
    """Of the session's cookie. By port, since browsers give all ports of a host the same cookies;
    with the prefix that lets no other host and no plain http set it, where we are on https.
    """
    name = f"pushlog-{settings.port}"
    return f"__Host-{name}" if settings.public_url.startswith("https://") else name


def from_another_site(request: web.BaseRequest, own_host: str = "") -> bool:
    """Whether a browser says that a page of another origin made this request.

    Programs that are no browsers send neither header, and are no way to trick a person. Compared
    is the host, not the scheme, which a proxy in front may have changed. `own_host`: another name
    that is ours.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return False
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return True
    return not host or host not in (request.headers.get(hdrs.HOST), own_host)


def _guarded(handler: Handler, who: Literal["anybody", "admin", "session"]) -> Handler:
    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        _refuse_other_sites(request)
        found = await read_identity(request)
        if found is None:
            raise web.HTTPUnauthorized(text=_HOW, headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
        if who == "admin" and found.role != "admin":
            raise web.HTTPForbidden(text="Only admins can do this.")
        if who == "session" and found.session_id is None:
            raise web.HTTPForbidden(text="Sign in to do this. An API token is not enough.")
        request[_IDENTITY] = found
        return await handler(request)

    return guarded


def _refuse_other_sites(request: web.Request) -> None:
    if request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
        return
    if from_another_site(request, urlsplit(request.app[SETTINGS].public_url).netloc):
        raise web.HTTPForbidden(text="This request came from another site and was refused.")


async def _by_cookie(request: web.Request, secret: str, now: int) -> Identity | None:
    database = request.app[DATABASE]
    async with database.read() as tx:
        found = await sessions.whose(tx, digest(secret), now)
    if found is None:
        return None
    if found.stale:
        # A full disk keeps nobody from looking.
        with contextlib.suppress(*STORAGE_TROUBLE):
            async with database.write() as tx:
                await sessions.touch(tx, found.session_id, now)
    return Identity(person_id=found.person_id, role=found.role, session_id=found.session_id)


async def _by_token(request: web.Request, token: str, now: int) -> Identity | None:
    database = request.app[DATABASE]
    async with database.read() as tx:
        found = await api_tokens.whose(tx, digest(token), now)
    if found is None:
        return None
    if found.stale:
        with contextlib.suppress(*STORAGE_TROUBLE):
            async with database.write() as tx:
                await api_tokens.touch(tx, found.token_id, now)
    return Identity(person_id=found.person_id, role=found.role, token_id=found.token_id)
