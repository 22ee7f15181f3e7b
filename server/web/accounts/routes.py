"""The addresses of accounts, each with who may use it."""

from collections.abc import AsyncIterator

from aiohttp import web

from server.accounts.first_code import FirstCode
from server.accounts.link_mails import LinkMails
from server.accounts.passwords import Passwords
from server.accounts.throttle import Throttle
from server.keys import FIRST_CODE, LINK_MAILS, PASSWORDS, SETTINGS, THROTTLE
from server.web.accounts import (
    account,
    account_page,
    authors,
    first,
    invitations,
    people,
    people_page,
    resets,
    sign_in,
)
from server.web.auth import Handler, for_admins, for_anybody, for_people, for_sessions
from server.web.pages.rendering import as_page

_ID = r"{id:\d{1,18}}"
_BY_LINK = r"{secret:[\w-]{20,64}}"


def routes() -> list[web.RouteDef]:
    """Return the routes: sign-in for anybody, pages and API for people."""
    return [*_ways_in(), *_pages(), *_api()]


def set_up_accounts(app: web.Application) -> None:
    """Put what the handlers need into `app`."""
    app[PASSWORDS] = Passwords()
    app[THROTTLE] = Throttle()
    app[FIRST_CODE] = FirstCode()
    app[LINK_MAILS] = LinkMails(app[SETTINGS])
    app.cleanup_ctx.append(_link_mails)


def _ways_in() -> list[web.RouteDef]:
    return [
        web.get("/login", _open(sign_in.show)),
        web.post("/login", _open(sign_in.enter)),
        web.get("/first-account", _open(first.show)),
        web.post("/first-account", _open(first.make)),
        web.get(f"/invitation/{_BY_LINK}", _open(invitations.show)),
        web.post(f"/invitation/{_BY_LINK}", _open(invitations.accept)),
        web.get("/forgotten", _open(resets.ask)),
        web.post("/forgotten", _open(resets.send)),
        web.get(f"/reset/{_BY_LINK}", _open(resets.show)),
        web.post(f"/reset/{_BY_LINK}", _open(resets.change)),
    ]


def _pages() -> list[web.RouteDef]:
    mine, everybody = "/settings/account", "/settings/people"
    return [
        web.post("/logout", as_page(for_people(sign_in.leave))),
        web.get(mine, as_page(for_people(account_page.show))),
        web.post(f"{mine}/name", as_page(for_people(account_page.save_name))),
        web.post(f"{mine}/password", as_page(for_sessions(account_page.save_password))),
        web.post(f"{mine}/sessions/{_ID}/end", as_page(for_sessions(account_page.end_session))),
        web.post(f"{mine}/tokens", as_page(for_sessions(account_page.make_token))),
        web.post(f"{mine}/tokens/{_ID}/revoke", as_page(for_sessions(account_page.revoke_token))),
        web.get(everybody, as_page(for_people(people_page.show))),
        web.post(f"{everybody}/invitations", as_page(for_admins(people_page.invite))),
        web.post(
            f"{everybody}/invitations/{_ID}/remove",
            as_page(for_admins(people_page.take_back)),
        ),
        web.post(f"{everybody}/authors", as_page(for_admins(people_page.say_whose))),
        web.post(f"{everybody}/{_ID}", as_page(for_admins(people_page.change))),
    ]


def _api() -> list[web.RouteDef]:
    return [
        web.get("/api/account", for_people(account.get_account)),
        web.put("/api/account", for_people(account.set_name)),
        web.put("/api/account/password", for_sessions(account.set_password)),
        web.get("/api/account/sessions", for_people(account.list_sessions)),
        web.delete(f"/api/account/sessions/{_ID}", for_sessions(account.remove_session)),
        web.get("/api/account/tokens", for_people(account.list_tokens)),
        web.post("/api/account/tokens", for_sessions(account.add_token)),
        web.delete(f"/api/account/tokens/{_ID}", for_sessions(account.remove_token)),
        web.get("/api/authors", for_people(authors.list_authors)),
        web.put("/api/authors", for_admins(authors.set_author)),
        web.get("/api/people", for_people(people.list_people)),
        web.post("/api/people/invitations", for_admins(people.invite_person)),
        web.delete(f"/api/people/invitations/{_ID}", for_admins(people.remove_invitation)),
        web.put(f"/api/people/{_ID}", for_admins(people.set_role)),
        web.delete(f"/api/people/{_ID}", for_admins(people.remove_person)),
    ]


async def _link_mails(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[LINK_MAILS].close()


def _open(handler: Handler) -> Handler:
    return as_page(for_anybody(handler))
