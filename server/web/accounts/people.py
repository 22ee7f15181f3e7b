"""The API of everybody here; all but the list is for admins. Its page uses the same functions."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from aiohttp import web

from server.accounts.link_mails import MailFailed
from server.accounts.secrets import digest, new_secret
from server.keys import DATABASE, LINK_MAILS, SETTINGS
from server.process import log
from server.storage.main import accounts, one_time_links
from server.storage.main.accounts import Account, LastAdmin, Role
from server.storage.main.one_time_links import OneTimeLink
from server.storage.times import micros_now
from server.web.accounts.details import check_email
from server.web.auth import person_id
from server.web.requests import Removed, answer, read_body


class InvitationBody(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to invite, and with which role."""

    email: str
    role: Role = "member"


class RoleBody(msgspec.Struct, forbid_unknown_fields=True):
    """The role that somebody has from now on."""

    role: Role


class Invitation(msgspec.Struct, kw_only=True):
    """An invitation that nobody has used yet."""

    id: int
    email: str
    role: Role
    expires_at: datetime


class Invited(msgspec.Struct, kw_only=True):
    """A new invitation. This is the only answer that holds the link.

    `mailed` is whether it was also sent by mail. `mail_error` is why not, if there is a mail
    server.
    """

    email: str
    role: Role
    link: str
    mailed: bool
    mail_error: str | None


class PeopleList(msgspec.Struct):
    """Who can sign in, and who is invited."""

    people: Sequence[Account]
    invitations: Sequence[Invitation]


async def list_people(request: web.Request) -> web.Response:
    """``GET /api/people``."""
    return answer(await everybody(request))


async def invite_person(request: web.Request) -> web.Response:
    """``POST /api/people/invitations``."""
    return answer(await invite(request, await read_body(request, InvitationBody)), status=201)


async def remove_invitation(request: web.Request) -> web.Response:
    """``DELETE /api/people/invitations/{id}``."""
    return answer(Removed(await take_back(request)))


async def set_role(request: web.Request) -> web.Response:
    """``PUT /api/people/{id}``."""
    return answer(await change_role(request, await read_body(request, RoleBody)))


async def remove_person(request: web.Request) -> web.Response:
    """``DELETE /api/people/{id}``."""
    return answer(Removed(await remove(request)))


async def everybody(request: web.Request) -> PeopleList:
    """Return accounts and open invitations."""
    async with request.app[DATABASE].read() as tx:
        people = await accounts.everyone(tx)
        links = await one_time_links.invitations(tx, micros_now())
    return PeopleList(people, [_invitation(link) for link in links])


async def invite(request: web.Request, body: InvitationBody) -> Invited:
    """Make a link for one address, and mail it if possible; answer 400 or 409."""
    email, secret = check_email(body.email), new_secret()
    async with request.app[DATABASE].write() as tx:
        if await accounts.by_email(tx, email) is not None:
            raise web.HTTPConflict(text=f"{email} already has an account.")
        inviter = await accounts.get(tx, person_id(request))
        await one_time_links.add(
            tx,
            digest=digest(secret),
            purpose="invitation",
            email=email,
            role=body.role,
            at=micros_now(),
        )
    log.server(logging.INFO, f"person {person_id(request)} invited somebody as {body.role}")
    link = f"{request.app[SETTINGS].public_url}/invitation/{secret}"
    mails, mail_error = request.app[LINK_MAILS], None
    if mails.possible:
        try:
            await mails.invite(email, link, "Somebody" if inviter is None else inviter.name)
        except MailFailed as error:
            mail_error = str(error)
    return Invited(
        email=email,
        role=body.role,
        link=link,
        mailed=mails.possible and mail_error is None,
        mail_error=mail_error,
    )


async def take_back(request: web.Request) -> int:
    """Stop an invitation from working, and return its id; or answer 404."""
    link_id = int(request.match_info["id"])
    async with request.app[DATABASE].write() as tx:
        if not await one_time_links.remove(tx, link_id, "invitation"):
            raise web.HTTPNotFound(text=f"There is no invitation {link_id}.")
    return link_id


async def change_role(request: web.Request, body: RoleBody) -> Account:
    """Make somebody an admin or a member; answer 404, or 409 for the last admin."""
    person = int(request.match_info["id"])
    try:
        async with request.app[DATABASE].write() as tx:
            await accounts.set_role(tx, person, body.role)
            changed = await accounts.get(tx, person)
    except LastAdmin as error:
        raise _last_admin("become a member") from error
    if changed is None:
        raise _nobody(person)
    log.server(logging.INFO, f"person {person_id(request)} made person {person} {body.role}")
    return changed


async def remove(request: web.Request) -> int:
    """Remove an account, and return its id; or answer 404, or 409 for the last admin."""
    person = int(request.match_info["id"])
    try:
        async with request.app[DATABASE].write() as tx:
            if not await accounts.remove(tx, person):
                raise _nobody(person)
    except LastAdmin as error:
        raise _last_admin("be removed") from error
    log.server(logging.INFO, f"person {person_id(request)} removed person {person}")
    return person


def _invitation(link: OneTimeLink) -> Invitation:
    return Invitation(
        id=link.id, email=link.email, role=link.role or "member", expires_at=link.expires_at
    )


def _nobody(person: int) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"There is no account {person}.")


def _last_admin(what: Literal["become a member", "be removed"]) -> web.HTTPConflict:
    return web.HTTPConflict(text=f"The last admin cannot {what}. Make someone else an admin first.")
