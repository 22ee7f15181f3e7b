"""The API of how pages look to a person: light, dark, or as the system of the browser is."""

import msgspec
from aiohttp import web

from server.keys import DATABASE
from server.storage.main import people
from server.storage.main.people import Appearance
from server.web.auth import person_id
from server.web.requests import answer, read_body


class AppearanceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How pages look."""

    appearance: Appearance


async def get_appearance(request: web.Request) -> web.Response:
    """``GET /api/settings/appearance``."""
    async with request.app[DATABASE].read() as tx:
        return answer(AppearanceBody(await people.appearance(tx, person_id(request))))


async def set_appearance(request: web.Request) -> web.Response:
    """``PUT /api/settings/appearance``."""
    body = await read_body(request, AppearanceBody)
    await change_appearance(request, body)
    return answer(body)


async def change_appearance(request: web.Request, body: AppearanceBody) -> None:
    """Change how pages look to the person who asks."""
    async with request.app[DATABASE].write() as tx:
        await people.set_appearance(tx, person_id(request), body.appearance)
