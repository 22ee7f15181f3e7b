"""Checks what people enter about themselves when they create an account."""

import re
from collections.abc import Mapping

import msgspec
from aiohttp import web

from server.accounts.passwords import fault_of

MAX_NAME = 100

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,255}")


class Details(msgspec.Struct, frozen=True):
    """The details of a new account."""

    name: str
    email: str
    password: str


def check_email(text: str) -> str:
    """Return the mail address; answer 400 if it is not one."""
    if not _ADDRESS.fullmatch(text):
        raise web.HTTPBadRequest(text="`email` must be a mail address.")
    return text


def check_name(text: str) -> str:
    """Return the name; answer 400 if there is none."""
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise web.HTTPBadRequest(text=f"`name` must have 1 to {MAX_NAME} printable characters.")
    return name


def check_password(password: str, *known: str) -> str:
    """Return the password; answer 400 with what is wrong with it."""
    fault = fault_of(password, *known)
    if fault is not None:
        raise web.HTTPBadRequest(text=fault)
    return password


def check_details(fields: Mapping[str, str], password: str) -> Details:
    """Return all details; answer 400 with the first thing that is wrong."""
    name, email = check_name(fields.get("name", "")), check_email(fields.get("email", ""))
    return Details(name, email, check_password(password, name, email))
