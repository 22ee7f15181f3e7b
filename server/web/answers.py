"""How the API answers."""

from collections.abc import Mapping

import msgspec
from aiohttp import web


def answer(body: msgspec.Struct | Mapping[str, object], status: int = 200) -> web.Response:
    """`body` as JSON, which nobody on the way may keep."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
