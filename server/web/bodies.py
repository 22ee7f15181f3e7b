"""Bodies of requests as typed values; a wrong one is answered 400 with the rule."""

from typing import TypeVar

import msgspec
from aiohttp import web

T = TypeVar("T")


async def read_body(request: web.Request, kind: type[T]) -> T:
    """The JSON of the request as a `kind`."""
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise web.HTTPBadRequest(text=f"{error}.") from error
