"""Reads what a page's form was filled with, and says what it offers."""

from collections.abc import Mapping, Sequence

import msgspec
from aiohttp import web

MAX_CHOICES = 500
"""How many services and environments a page offers; API and addresses can name others."""


async def read_form(request: web.Request) -> Mapping[str, str]:
    """Return the fields as text, without blanks around them; leave out fields that are not text."""
    form = await request.post()
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


async def read_password(request: web.Request, name: str = "password") -> str:
    """Return a field as it was typed, blanks included; empty if it is missing."""
    value = (await request.post()).get(name)
    return value if isinstance(value, str) else ""


def words_of(error: web.HTTPException | msgspec.ValidationError) -> str:
    """Return what is wrong with a form, as a sentence."""
    return (error.text or "") if isinstance(error, web.HTTPException) else f"{error}."


def offered(names: Sequence[str], chosen: str | None) -> list[tuple[str, str]]:
    """Return values and words to choose from, including what is chosen, whether known or not."""
    known = names if chosen is None or chosen in names else [chosen, *names]
    return [(name, name) for name in known]
