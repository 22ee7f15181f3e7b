"""The page of everybody here. Its forms work without JavaScript."""

import msgspec
from aiohttp import web

from server.keys import DATABASE, LINK_MAILS
from server.web.accounts import authors, people
from server.web.accounts.authors import AuthorBody
from server.web.accounts.people import InvitationBody, Invited, RoleBody
from server.web.auth import identity
from server.web.forms import read_form
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render

_SAID = {
    "saved": "Saved.",
    "removed": "The account is removed, with its sessions and tokens.",
    "taken-back": "The invitation is revoked.",
}


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /settings/people``."""
    return await _page(request)


async def invite(request: web.Request) -> web.StreamResponse:
    """``POST /settings/people/invitations``: the answer is the only page that shows the link."""
    fields = await read_form(request)
    asked = {"email": fields.get("email", ""), "role": fields.get("role", "member")}
    try:
        invited = await people.invite(request, msgspec.convert(asked, InvitationBody))
    except msgspec.ValidationError as error:
        return await _page(request, problem=web.HTTPBadRequest(text=f"{error}."))
    except web.HTTPClientError as error:
        return await _page(request, problem=error)
    response = await _page(request, invited=invited)
    response.headers["Cache-Control"] = "no-store"
    return response


async def take_back(request: web.Request) -> web.StreamResponse:
    """``POST /settings/people/invitations/{id}/remove``."""
    await people.take_back(request)
    raise web.HTTPSeeOther("/settings/people?said=taken-back")


async def change(request: web.Request) -> web.StreamResponse:
    """``POST /settings/people/{id}``: sets the role; its second button removes the account."""
    fields = await read_form(request)
    try:
        if "remove" in fields:
            await people.remove(request)
            raise web.HTTPSeeOther("/settings/people?said=removed")
        role = msgspec.convert({"role": fields.get("role", "")}, RoleBody)
        await people.change_role(request, role)
    except msgspec.ValidationError as error:
        return await _page(request, problem=web.HTTPBadRequest(text=f"{error}."))
    except web.HTTPConflict as error:
        return await _page(request, problem=error)
    raise web.HTTPSeeOther("/settings/people?said=saved")


async def say_whose(request: web.Request) -> web.StreamResponse:
    """``POST /settings/people/authors``: says whose commits those from an address are."""
    fields = await read_form(request)
    whose = fields.get("person", "")
    asked = {
        "address": fields.get("address", ""),
        "person": int(whose) if whose.isdecimal() and len(whose) < 19 else whose,
    }
    try:
        await authors.say_whose(request, msgspec.convert(asked, AuthorBody))
    except msgspec.ValidationError as error:
        return await _page(request, problem=web.HTTPBadRequest(text=f"{error}."))
    except web.HTTPNotFound as error:
        return await _page(request, problem=error)
    raise web.HTTPSeeOther("/settings/people?said=saved#authors-head")


async def _page(
    request: web.Request,
    *,
    problem: web.HTTPClientError | None = None,
    invited: Invited | None = None,
) -> web.Response:
    who = identity(request)
    found = await people.everybody(request)
    writing = await authors.read_authors(request)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
    context: dict[str, object] = {
        "here": "settings",
        "part": "people",
        "chrome": chrome,
        "people": found.people,
        "invitations": found.invitations,
        "authors": writing,
        "me": who.person_id,
        "is_admin": who.role == "admin",
        "can_mail": request.app[LINK_MAILS].possible,
        "invited": invited,
        "said": _SAID.get(request.query.get("said", "")),
        "problem": None if problem is None else problem.text,
    }
    return render(request, "people.html", context, 200 if problem is None else problem.status)
