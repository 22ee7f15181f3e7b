"""The page of a person's own account. Its forms work without JavaScript."""

import msgspec
from aiohttp import web

from server.keys import DATABASE
from server.storage.main import accounts, api_tokens, sessions
from server.storage.times import micros_now
from server.web.accounts import account
from server.web.accounts.account import MadeToken, NameBody, PasswordBody, TokenBody
from server.web.auth import identity
from server.web.forms import read_form, read_password
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render

_SAID = {
    "saved": "Saved.",
    "password": "Your new password is set, and your other sessions have ended.",
    "ended": "The session has ended.",
    "revoked": "The token is revoked.",
}


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /settings/account``."""
    return await _page(request)


async def save_name(request: web.Request) -> web.StreamResponse:
    """``POST /settings/account/name``."""
    try:
        await account.rename(request, NameBody((await read_form(request)).get("name", "")))
    except web.HTTPBadRequest as error:
        return await _page(request, problem=error)
    raise web.HTTPSeeOther("/settings/account?said=saved")


async def save_password(request: web.Request) -> web.StreamResponse:
    """``POST /settings/account/password``."""
    current, new = await read_password(request, "current"), await read_password(request, "new")
    try:
        await account.change_password(request, PasswordBody(current, new))
    except web.HTTPClientError as error:
        return await _page(request, problem=error)
    raise web.HTTPSeeOther("/settings/account?said=password")


async def end_session(request: web.Request) -> web.StreamResponse:
    """``POST /settings/account/sessions/{id}/end``."""
    await account.end_session(request)
    raise web.HTTPSeeOther("/settings/account?said=ended#sessions")


async def make_token(request: web.Request) -> web.StreamResponse:
    """``POST /settings/account/tokens``: the answer is the only page that shows the token."""
    form = await read_form(request)
    # Anything but a clear wish is the lesser permission.
    scope = "write" if form.get("scope") == "write" else "read"
    wanted = {"name": form.get("name", ""), "scope": scope}
    try:
        made = await account.make_token(request, msgspec.convert(wanted, TokenBody))
    except msgspec.ValidationError:
        problem = web.HTTPBadRequest(text="Describe in 1 to 100 characters what the token is for.")
        return await _page(request, problem=problem)
    except web.HTTPConflict as error:
        return await _page(request, problem=error)
    response = await _page(request, made=made)
    response.headers["Cache-Control"] = "no-store"
    return response


async def revoke_token(request: web.Request) -> web.StreamResponse:
    """``POST /settings/account/tokens/{id}/revoke``."""
    await account.revoke_token(request)
    raise web.HTTPSeeOther("/settings/account?said=revoked#tokens")


async def _page(
    request: web.Request,
    *,
    problem: web.HTTPClientError | None = None,
    made: MadeToken | None = None,
) -> web.Response:
    who = identity(request)
    async with request.app[DATABASE].read() as tx:
        context: dict[str, object] = {
            "here": "settings",
            "part": "account",
            "chrome": await read_chrome(request, tx),
            "account": await accounts.get(tx, who.person_id),
            "sessions": await sessions.of_person(tx, who.person_id, micros_now()),
            "tokens": await api_tokens.of_person(tx, who.person_id),
        }
    context |= {
        "current": who.session_id,
        "made": made,
        "said": _SAID.get(request.query.get("said", "")),
        "problem": None if problem is None else problem.text,
    }
    return render(request, "account.html", context, 200 if problem is None else problem.status)
