"""The API of a person's own account: password, sessions, tokens. Its page calls the same code."""

import logging
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from server.accounts.secrets import ENDING, digest, new_token
from server.keys import DATABASE, PASSWORDS
from server.process import log
from server.storage.main import accounts, api_tokens, sessions
from server.storage.main.accounts import Account
from server.storage.main.api_tokens import ApiToken, Scope
from server.storage.main.sessions import Session
from server.storage.times import micros_now
from server.web.accounts.details import check_name, check_password
from server.web.accounts.tries import count_try, forgive_tries
from server.web.auth import identity, person_id
from server.web.requests import answer, read_body

MAX_TOKENS = 50


class NameBody(msgspec.Struct, forbid_unknown_fields=True):
    """The name that the others see."""

    name: str


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """The new password and the old one: an open browser is not enough to take the account over."""

    current: str
    new: str


class TokenBody(msgspec.Struct, forbid_unknown_fields=True):
    """What the token is for, and whether it may change things."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scope: Scope = "write"


class SessionList(msgspec.Struct):
    """The person's sessions. `current` is the session that asks; None for a token."""

    current: int | None
    sessions: Sequence[Session]


class TokenList(msgspec.Struct):
    """The person's tokens, without their secrets."""

    tokens: Sequence[ApiToken]


class MadeToken(msgspec.Struct):
    """A new token. This is the only answer that holds the secret."""

    id: int
    token: str


class PasswordChanged(msgspec.Struct):
    """The new password is set, and the person's other sessions have ended."""

    sessions_ended: int
    changed: Literal[True] = True


class SessionEnded(msgspec.Struct):
    """The session that was signed out."""

    id: int
    ended: Literal[True] = True


class TokenRevoked(msgspec.Struct):
    """The token that is no longer valid."""

    id: int
    revoked: Literal[True] = True


async def get_account(request: web.Request) -> web.Response:
    """``GET /api/account``."""
    async with request.app[DATABASE].read() as tx:
        return answer(_there(await accounts.get(tx, person_id(request))))


async def set_name(request: web.Request) -> web.Response:
    """``PUT /api/account``."""
    return answer(await rename(request, await read_body(request, NameBody)))


async def set_password(request: web.Request) -> web.Response:
    """``PUT /api/account/password``."""
    ended = await change_password(request, await read_body(request, PasswordBody))
    return answer(PasswordChanged(ended))


async def list_sessions(request: web.Request) -> web.Response:
    """``GET /api/account/sessions``."""
    who = identity(request)
    async with request.app[DATABASE].read() as tx:
        found = await sessions.of_person(tx, who.person_id, micros_now())
    return answer(SessionList(who.session_id, found))


async def remove_session(request: web.Request) -> web.Response:
    """``DELETE /api/account/sessions/{id}``."""
    return answer(SessionEnded(await end_session(request)))


async def list_tokens(request: web.Request) -> web.Response:
    """``GET /api/account/tokens``."""
    async with request.app[DATABASE].read() as tx:
        return answer(TokenList(await api_tokens.of_person(tx, person_id(request))))


async def add_token(request: web.Request) -> web.Response:
    """``POST /api/account/tokens``."""
    return answer(await make_token(request, await read_body(request, TokenBody)), status=201)


async def remove_token(request: web.Request) -> web.Response:
    """``DELETE /api/account/tokens/{id}``."""
    return answer(TokenRevoked(await revoke_token(request)))


async def rename(request: web.Request, body: NameBody) -> Account:
    """Rename the person who asks; answer 400 if the name is invalid."""
    name = check_name(body.name)
    async with request.app[DATABASE].write() as tx:
        await accounts.rename(tx, person_id(request), name)
        return _there(await accounts.get(tx, person_id(request)))


async def change_password(request: web.Request, body: PasswordBody) -> int:
    """Set a new password, end all other sessions, and return how many ended.

    Answers 400, 403 if the old password is wrong, and 429.
    """
    who = identity(request)
    database, passwords = request.app[DATABASE], request.app[PASSWORDS]
    async with database.read() as tx:
        account = _there(await accounts.get(tx, who.person_id))
        known = await accounts.password_hash(tx, who.person_id)
    await count_try(request, account.email)
    if not await passwords.matches(known, body.current):
        raise web.HTTPForbidden(text="The current password is wrong.")
    await forgive_tries(request, account.email)
    hashed = await passwords.hash(check_password(body.new, account.name, account.email))
    async with database.write() as tx:
        await accounts.set_password(tx, who.person_id, hashed)
        ended = await sessions.end_all(tx, who.person_id, but=who.session_id)
    log.server(logging.INFO, f"person {who.person_id} changed the password")
    return ended


async def end_session(request: web.Request) -> int:
    """End the session that the address names, and return its id; or answer 404."""
    session_id = int(request.match_info["id"])
    async with request.app[DATABASE].write() as tx:
        if not await sessions.end(tx, person_id(request), session_id):
            raise web.HTTPNotFound(text=f"You have no session {session_id}.")
    return session_id


async def make_token(request: web.Request, body: TokenBody) -> MadeToken:
    """Make a new token, or answer 409 if there are too many."""
    person, token = person_id(request), new_token()
    async with request.app[DATABASE].write() as tx:
        if len(await api_tokens.of_person(tx, person)) >= MAX_TOKENS:
            raise web.HTTPConflict(text=f"You have {MAX_TOKENS} tokens. Revoke one first.")
        token_id = await api_tokens.add(
            tx,
            digest=digest(token),
            person_id=person,
            name=body.name,
            ending=token[-ENDING:],
            scope=body.scope,
            at=micros_now(),
        )
    log.server(logging.INFO, f"person {person} made the API token {token_id}")
    return MadeToken(token_id, token)


async def revoke_token(request: web.Request) -> int:
    """Revoke the token that the address names, and return its id; or answer 404."""
    token_id = int(request.match_info["id"])
    async with request.app[DATABASE].write() as tx:
        if not await api_tokens.revoke(tx, person_id(request), token_id):
            raise web.HTTPNotFound(text=f"You have no token {token_id}.")
    return token_id


def _there(account: Account | None) -> Account:
    if account is None:
        raise web.HTTPNotFound(text="There is no account yet.")
    return account
