"""Accepting an invitation, by its one-time link."""

import logging

from aiohttp import web

from server.accounts.secrets import digest
from server.keys import DATABASE, PASSWORDS
from server.process import log
from server.storage.database import Transaction
from server.storage.main import accounts, one_time_links
from server.storage.main.one_time_links import OneTimeLink
from server.storage.main.people import AddressTaken
from server.storage.times import micros_now
from server.web.accounts import cookies
from server.web.accounts.details import check_details
from server.web.forms import read_form, read_password
from server.web.pages.rendering import render


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /invitation/{secret}``."""
    async with request.app[DATABASE].read() as tx:
        link = await _link(request, tx)
    return _page(request, link, "")


async def accept(request: web.Request) -> web.StreamResponse:
    """``POST /invitation/{secret}``: creates the account and signs in."""
    database = request.app[DATABASE]
    async with database.read() as tx:
        link = await _link(request, tx)
    fields = {**await read_form(request), "email": link.email}
    try:
        details = check_details(fields, await read_password(request))
    except web.HTTPBadRequest as error:
        return _page(request, link, fields.get("name", ""), error)
    hashed = await request.app[PASSWORDS].hash(details.password)
    try:
        async with database.write() as tx:
            # Check again: somebody else may have used the link while this person typed.
            link = await _link(request, tx)
            person = await accounts.add(
                tx,
                name=details.name,
                email=link.email,
                role=link.role or "member",
                hashed=hashed,
            )
            await one_time_links.remove(tx, link.id, "invitation")
    except AddressTaken:
        taken = web.HTTPConflict(text=f"{link.email} already has an account. Sign in.")
        return _page(request, link, details.name, taken)
    log.server(logging.INFO, f"person {person} accepted an invitation")
    return await cookies.sign_in(request, person, "/incidents")


async def _link(request: web.Request, tx: Transaction) -> OneTimeLink:
    secret = request.match_info["secret"]
    link = await one_time_links.find(tx, digest(secret), "invitation", micros_now())
    if link is None:
        raise web.HTTPNotFound(
            text="This invitation was used, revoked, or is older than seven days. An admin can "
            "invite you again."
        )
    return link


def _page(
    request: web.Request,
    link: OneTimeLink,
    name: str,
    error: web.HTTPClientError | None = None,
) -> web.Response:
    context: dict[str, object] = {
        "link": link,
        "name": name,
        "problem": None if error is None else error.text,
    }
    return render(request, "invitation.html", context, 200 if error is None else error.status)
