"""Who may see the pages and the API: people who are signed in, and programs with a token.

Pages of other sites cannot change anything: a browser says where a request comes from (see
`from_another_site`), and does not send our cookie with the posts of other sites (SameSite=Lax).
"""

import contextlib
import functools
from collections.abc import Awaitable, Callable
from typing import Literal, cast
from urllib.parse import urlsplit

import msgspec
from aiohttp import hdrs, web

from server.accounts.secrets import digest
from server.keys import DATABASE, SETTINGS
from server.settings.settings import Settings
from server.storage.errors import STORAGE_TROUBLE
from server.storage.main import api_tokens, sessions
from server.storage.main.accounts import Role
from server.storage.times import micros_now

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Who = Literal["anybody", "admin", "session"]
"""Whom a guard lets in, of those who are signed in or send a token."""

_WHO = "who_may_use_it"

_READING = (hdrs.METH_GET, hdrs.METH_HEAD)
"""The methods that change nothing."""

_HOW = (
    "Sign in, or send a token: Authorization: Bearer TOKEN. Create tokens in Settings, Account, "
    "or with scripts/people token."
)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and how: with the session of a browser, or with the token of a program."""

    person_id: int
    role: Role
    session_id: int | None = None
    token_id: int | None = None
    may_change: bool = True


_IDENTITY = web.RequestKey("identity", Identity)


def person_id(request: web.Request) -> int:
    """Return who asks, in handlers behind `for_people` or one of its variants."""
    return identity(request).person_id


def identity(request: web.Request) -> Identity:
    """Return who asks, and how, in the same handlers."""
    return request[_IDENTITY]


def for_people(handler: Handler) -> Handler:
    """Answer 401 unless somebody is signed in or sends a token, and 403 to another site."""
    return _guarded(handler, "anybody")


def for_admins(handler: Handler) -> Handler:
    """Do as `for_people`, and answer 403 to anybody who is not an admin."""
    return _guarded(handler, "admin")


def for_sessions(handler: Handler) -> Handler:
    """Do as `for_people`, but only for browsers: a leaked token cannot make another one."""
    return _guarded(handler, "session")


def for_anybody(handler: Handler) -> Handler:
    """Allow requests without signing in, but still refuse those from another site."""

    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        _refuse_other_sites(request)
        return await handler(request)

    return guarded


def who_may(handler: Handler) -> Who | None:
    """Return whom the guard of `handler` lets in; None if nobody has to say who they are."""
    return cast("Who | None", getattr(handler, _WHO, None))


async def read_identity(request: web.Request) -> Identity | None:
    """Return whom the request's token or cookie stands for; with a wrong token, always nobody."""
    now = micros_now()
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer":
        return await _by_token(request, token.strip(), now)
    secret = request.cookies.get(cookie_name(request.app[SETTINGS]))
    return None if secret is None else await _by_cookie(request, secret, now)


async def still_allowed(request: web.Request) -> bool:
    """Return whether somebody who began to read a long answer may still read on."""
    found = await read_identity(request)
    return found is not None and found.person_id == person_id(request)


def cookie_name(settings: Settings) -> str:
    """Return the name of the session's cookie.

    It depends on the port, because browsers give all ports of a host the same cookies. On https, it
    has the prefix that keeps other hosts and plain http from setting it.
    """
    name = f"pushlog-{settings.port}"
    return f"__Host-{name}" if settings.public_url.startswith("https://") else name


def from_another_site(request: web.BaseRequest, own_host: str = "") -> bool:
    """Return whether a browser says that a page of another origin made this request.

    Programs that are not browsers send neither header, and nobody can trick a person with them. The
    host is compared, but not the scheme, which a proxy in front may have changed. `own_host` is
    another name that is ours.
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


def _guarded(handler: Handler, who: Who) -> Handler:
    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        _refuse_other_sites(request)
        found = await read_identity(request)
        if found is None:
            raise web.HTTPUnauthorized(text=_HOW, headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
        if not found.may_change and request.method not in _READING:
            raise web.HTTPForbidden(text="This token can only read. Create one that can change.")
        if who == "admin" and found.role != "admin":
            raise web.HTTPForbidden(text="Only admins can do this.")
        if who == "session" and found.session_id is None:
            raise web.HTTPForbidden(text="Sign in to do this. An API token is not enough.")
        request[_IDENTITY] = found
        return await handler(request)

    setattr(guarded, _WHO, who)
    return guarded


def _refuse_other_sites(request: web.Request) -> None:
    if request.method in _READING:
        return
    if from_another_site(request, urlsplit(request.app[SETTINGS].public_url).netloc):
        raise web.HTTPForbidden(text="This request came from another site and was refused.")


async def _by_cookie(request: web.Request, secret: str, now: int) -> Identity | None:
    database = request.app[DATABASE]
    found = await database.read_at_once(lambda tx: sessions.whose(tx, digest(secret), now))
    if found is None:
        return None
    if found.stale:
        # A full disk must not keep anybody from looking.
        with contextlib.suppress(*STORAGE_TROUBLE):
            async with database.write() as tx:
                await sessions.touch(tx, found.session_id, now)
    return Identity(person_id=found.person_id, role=found.role, session_id=found.session_id)


async def _by_token(request: web.Request, token: str, now: int) -> Identity | None:
    database = request.app[DATABASE]
    found = await database.read_at_once(lambda tx: api_tokens.whose(tx, digest(token), now))
    if found is None:
        return None
    if found.stale:
        with contextlib.suppress(*STORAGE_TROUBLE):
            async with database.write() as tx:
                await api_tokens.touch(tx, found.token_id, now)
    return Identity(
        person_id=found.person_id,
        role=found.role,
        token_id=found.token_id,
        may_change=found.scope == "write",
    )
