"""The API of who writes commits: which address belongs to which person. Admins may correct it."""

import logging
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import DATABASE
from server.notify.authors import person_of
from server.process import log
from server.storage.main import commit_authors, people
from server.web.auth import person_id
from server.web.requests import answer, read_body
from shared.structs import made_of

MAX_SHOWN = 200

Whose = Annotated[int, Meta(ge=1, le=2**63 - 1)] | Literal["auto", "nobody"]
"""A person's id; ``auto`` goes by address and by name at GitHub."""


class AuthorBody(msgspec.Struct, forbid_unknown_fields=True):
    """Whose commits those from `address` are."""

    address: str
    person: Whose


class AuthorAnswer(msgspec.Struct, kw_only=True):
    """An address that commits come from; `person` is the name of whose it is, if that is known."""

    address: str
    name: str
    login: str | None
    person_id: int | None
    person: str | None
    by_hand: bool
    seen_at: datetime


class AuthorList(msgspec.Struct):
    """Those whose commits were deployed last, the latest first."""

    authors: list[AuthorAnswer]


async def list_authors(request: web.Request) -> web.Response:
    """``GET /api/authors``."""
    return answer(AuthorList(await read_authors(request)))


async def set_author(request: web.Request) -> web.Response:
    """``PUT /api/authors``."""
    address = await say_whose(request, await read_body(request, AuthorBody))
    found = await read_authors(request)
    return answer(AuthorList([each for each in found if each.address == address]))


async def read_authors(request: web.Request) -> list[AuthorAnswer]:
    """Return the newest authors, each with the person that PushLog takes them for."""
    async with request.app[DATABASE].read() as tx:
        everyone = await people.everyone(tx)
        authors = await commit_authors.newest(tx, MAX_SHOWN)
    found = []
    for each in authors:
        person = person_of(each.address, each.login, everyone, authors)
        found.append(
            made_of(
                each,
                AuthorAnswer,
                person_id=None if person is None else person.id,
                person=None if person is None else person.name,
            )
        )
    return found


async def say_whose(request: web.Request, body: AuthorBody) -> str:
    """Do what `body` says and return the address; answer 404 for an unknown one, or nobody's id."""
    address = body.address.strip().lower()
    async with request.app[DATABASE].write() as tx:
        if body.person == "auto":
            is_known = await commit_authors.leave_to_addresses(tx, address)
        elif body.person == "nobody":
            is_known = await commit_authors.assign(tx, address, None)
        else:
            if await people.get(tx, body.person) is None:
                raise web.HTTPNotFound(text=f"There is no person {body.person}.")
            is_known = await commit_authors.assign(tx, address, body.person)
    if not is_known:
        raise web.HTTPNotFound(text="No deploy had a commit from this address.")
    log.server(logging.INFO, f"person {person_id(request)} said whose commits are: {body.person}")
    return address
