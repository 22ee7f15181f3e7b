"""Signing in and out."""

import logging
from urllib.parse import urlsplit

from aiohttp import web

from server.client import client_address
from server.keys import DATABASE, FIRST_CODE, LINK_MAILS, PASSWORDS
from server.process import log
from server.storage.main import accounts, sessions
from server.web.accounts import cookies
from server.web.accounts.tries import count_try, forgive_tries
from server.web.auth import identity, read_identity
from server.web.forms import read_form, read_password
from server.web.pages.rendering import render

_SAID = {
    "out": "You are signed out.",
    "reset": "Your new password is set. Sign in with it.",
    "asked": "If an account has this address, a mail with a link is on its way.",
}


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /login``: redirects people who are signed in, and starts a new installation."""
    if request.app[FIRST_CODE].code is not None:
        return cookies.see_other("/first-account")
    if await read_identity(request) is not None:
        return cookies.see_other(own_address(request.query.get("next", "")))
    return _page(request, said=_SAID.get(request.query.get("said", "")))


async def enter(request: web.Request) -> web.StreamResponse:
    """``POST /login``."""
    fields, password = await read_form(request), await read_password(request)
    email = fields.get("email", "")
    try:
        await count_try(request, email)
    except web.HTTPTooManyRequests as error:
        response = _page(request, problem=error.text, email=email, status=error.status)
        response.headers["Retry-After"] = error.headers["Retry-After"]
        return response
    database, passwords = request.app[DATABASE], request.app[PASSWORDS]
    async with database.read() as tx:
        account = await accounts.by_email(tx, email)
        hashed = None if account is None else await accounts.password_hash(tx, account.id)
    if not await passwords.matches(hashed, password) or account is None or hashed is None:
        log.server(logging.WARNING, f"a sign-in from {client_address(request)} failed")
        problem = "Wrong mail address or password."
        return _page(request, problem=problem, email=email, status=403)
    await forgive_tries(request, email)
    if passwords.outdated(hashed):
        renewed = await passwords.hash(password)
        async with database.write() as tx:
            await accounts.set_password(tx, account.id, renewed)
    log.server(logging.INFO, f"person {account.id} signed in from {client_address(request)}")
    return await cookies.sign_in(request, account.id, own_address(fields.get("next", "")))


async def leave(request: web.Request) -> web.StreamResponse:
    """``POST /logout``: ends this browser's session."""
    who = identity(request)
    if who.session_id is not None:
        async with request.app[DATABASE].write() as tx:
            await sessions.end(tx, who.person_id, who.session_id)
    return cookies.sign_out(request, "/login?said=out")


def own_address(text: str) -> str:
    """Return `text` as an address of ours to go on to, or the first page if it is not one."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/incidents"
    # A second slash, or what browsers read as one, would be the name of another server.
    inside = text.startswith("/") and text[1:2] not in ("/", "\\") and text.isprintable()
    return text if inside and not parts.netloc and parts.path != "/login" else "/incidents"


def _page(
    request: web.Request,
    *,
    said: str | None = None,
    problem: str | None = None,
    email: str = "",
    status: int = 200,
) -> web.Response:
    context: dict[str, object] = {
        "said": said,
        "problem": problem,
        "email": email,
        "next": own_address(request.query.get("next", "")),
        "can_mail": request.app[LINK_MAILS].possible,
    }
    return render(request, "login.html", context, status=status)
