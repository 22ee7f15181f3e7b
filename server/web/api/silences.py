"""The API of silences: what nobody is notified of, until when, and how to lift that."""

import msgspec
from aiohttp import web

from server.keys import ACTIONS, DATABASE
from server.storage.main import silences
from server.storage.main.silences import Silenced
from server.storage.times import micros_now
from server.web.api.incident_wishes import Journalled, name_of_asker
from server.web.requests import answer


class SilenceList(msgspec.Struct):
    """The silences in force, newest first."""

    silences: list[Silenced]


async def list_silences(request: web.Request) -> web.Response:
    """``GET /api/silences``."""
    async with request.app[DATABASE].read() as tx:
        return answer(SilenceList(await silences.in_force(tx, micros_now())))


async def lift_silence(request: web.Request) -> web.Response:
    """``DELETE /api/silences/{incident_id}``."""
    incident_id, seq = await lift(request)
    return answer(Journalled(incident_id, seq), status=202)


async def lift(request: web.Request) -> tuple[str, int]:
    """Lift the silence that the address names; return its incident and the entry that says so.

    Answers 404 if there is none.
    """
    incident_id = request.match_info["incident_id"]
    database = request.app[DATABASE]
    async with database.read() as tx:
        if await silences.of_incident(tx, incident_id, micros_now()) is None:
            raise web.HTTPNotFound(text=f"Nothing of {incident_id} is silenced.")
        by = await name_of_asker(tx, request)
    seq = await request.app[ACTIONS].lift(incident_id, by)
    # The next page shows it already; the engine may need a moment.
    async with database.write() as tx:
        await silences.remove(tx, incident_id)
    return incident_id, seq
