"""The first account, which anybody with the code from the log can create."""

import logging

from aiohttp import web

from server.keys import DATABASE, FIRST_CODE, PASSWORDS
from server.process import log
from server.storage.main import accounts
from server.storage.main.people import AddressTaken
from server.web.accounts import cookies
from server.web.accounts.details import check_details
from server.web.accounts.tries import count_try
from server.web.forms import read_form, read_password
from server.web.pages.rendering import render


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /first-account``: redirects to the sign-in once there are accounts."""
    if request.app[FIRST_CODE].code is None:
        return cookies.see_other("/login")
    return _page(request, {})


async def make(request: web.Request) -> web.StreamResponse:
    """``POST /first-account``: creates the account, signs in, and shows what to set up first."""
    fields = dict(await read_form(request))
    code = request.app[FIRST_CODE]
    try:
        await count_try(request, "first account")
        if not code.is_right(fields.get("code", "")):
            raise web.HTTPForbidden(
                text="This is not the code in the log. The server writes a new one at each start."
            )
        details = check_details(fields, await read_password(request))
    except web.HTTPClientError as error:
        return _page(request, fields, error)
    hashed = await request.app[PASSWORDS].hash(details.password)
    try:
        async with request.app[DATABASE].write() as tx:
            person = await accounts.add_first(
                tx, name=details.name, email=details.email, hashed=hashed
            )
    except AddressTaken:
        return _page(request, fields, web.HTTPConflict(text="This mail address is already in use."))
    code.use_up()
    if person is None:
        return cookies.see_other("/login")
    log.server(logging.INFO, f"the first account was made: person {person}")
    return await cookies.sign_in(request, person, "/integrations")


def _page(
    request: web.Request, fields: dict[str, str], error: web.HTTPClientError | None = None
) -> web.Response:
    context: dict[str, object] = {
        "problem": None if error is None else error.text,
        "typed": {name: fields.get(name, "") for name in ("code", "name", "email")},
    }
    return render(request, "first_account.html", context, 200 if error is None else error.status)
