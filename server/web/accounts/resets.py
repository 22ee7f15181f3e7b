"""Resets a forgotten password: mails a link, and sets a new password by that link."""

import logging

from aiohttp import web

from server.accounts.secrets import digest, new_secret
from server.keys import DATABASE, LINK_MAILS, PASSWORDS, SETTINGS
from server.process import log
from server.storage.database import Transaction
from server.storage.main import accounts, one_time_links, sessions
from server.storage.main.one_time_links import OneTimeLink
from server.storage.times import micros_now
from server.web.accounts import cookies
from server.web.accounts.details import check_password
from server.web.accounts.tries import count_try
from server.web.forms import read_form, read_password
from server.web.pages.rendering import render


async def ask(request: web.Request) -> web.StreamResponse:
    """``GET /forgotten``."""
    return _ask_page(request)


async def send(request: web.Request) -> web.StreamResponse:
    """``POST /forgotten``: mails a link; the answer does not reveal whether there is an account."""
    email = (await read_form(request)).get("email", "")
    mails = request.app[LINK_MAILS]
    if not mails.possible:
        return _ask_page(request)
    try:
        await count_try(request, f"reset {email}")
    except web.HTTPTooManyRequests as error:
        return _ask_page(request, error)
    async with request.app[DATABASE].write() as tx:
        account = await accounts.by_email(tx, email)
        if account is not None:
            secret = new_secret()
            await one_time_links.add(
                tx,
                digest=digest(secret),
                purpose="reset",
                email=account.email,
                person_id=account.id,
                at=micros_now(),
            )
    if account is not None:
        mails.reset_soon(account.email, reset_address(request.app[SETTINGS].public_url, secret))
    return cookies.see_other("/login?said=asked")


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /reset/{secret}``."""
    async with request.app[DATABASE].read() as tx:
        link = await _link(request, tx)
    return _reset_page(request, link)


async def change(request: web.Request) -> web.StreamResponse:
    """``POST /reset/{secret}``: sets the password and ends every session of the account."""
    database = request.app[DATABASE]
    async with database.read() as tx:
        link = await _link(request, tx)
    try:
        password = check_password(await read_password(request), link.email)
    except web.HTTPBadRequest as error:
        return _reset_page(request, link, error)
    hashed = await request.app[PASSWORDS].hash(password)
    async with database.write() as tx:
        link = await _link(request, tx)
        person = link.person_id
        if person is not None:
            await accounts.set_password(tx, person, hashed)
            await sessions.end_all(tx, person)
        await one_time_links.remove(tx, link.id, "reset")
    log.server(logging.INFO, f"person {person} has a new password, by a link")
    return cookies.see_other("/login?said=reset")


def reset_address(public_url: str, secret: str) -> str:
    """Return the address at which a new password is set."""
    return f"{public_url}/reset/{secret}"


async def _link(request: web.Request, tx: Transaction) -> OneTimeLink:
    secret = request.match_info["secret"]
    link = await one_time_links.find(tx, digest(secret), "reset", micros_now())
    if link is None:
        raise web.HTTPNotFound(
            text="This link was used, or is older than an hour. Request a new one."
        )
    return link


def _ask_page(request: web.Request, error: web.HTTPClientError | None = None) -> web.Response:
    context: dict[str, object] = {
        "can_mail": request.app[LINK_MAILS].possible,
        "problem": None if error is None else error.text,
    }
    return render(request, "forgotten.html", context, 200 if error is None else error.status)


def _reset_page(
    request: web.Request, link: OneTimeLink, error: web.HTTPClientError | None = None
) -> web.Response:
    context: dict[str, object] = {
        "link": link,
        "problem": None if error is None else error.text,
    }
    return render(request, "reset.html", context, 200 if error is None else error.status)
