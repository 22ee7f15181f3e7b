"""What a form of a page was filled with."""

from collections.abc import Mapping

from aiohttp import web


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The fields as text, without the blanks around; what is no text field is left out."""
    form = await request.post()
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


async def read_password(request: web.Request, name: str = "password") -> str:
    """A field as it was typed, blanks included; empty where it is missing."""
    value = (await request.post()).get(name)
    return value if isinstance(value, str) else ""
