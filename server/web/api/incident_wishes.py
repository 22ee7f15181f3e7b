"""The API of what people can do with an incident: resolve, silence or snooze it."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import ACTIONS, DATABASE
from server.storage.database import Transaction
from server.storage.main import incidents, people
from server.web.auth import person_id
from server.web.requests import answer, read_body
from shared.event import Timestamp

MAX_REASON = 500
MAX_SNOOZE_MIN = 30 * 24 * 60

_Reason = Annotated[str, Meta(max_length=MAX_REASON)]


class SilenceBody(msgspec.Struct, forbid_unknown_fields=True):
    """Until when and why. Null means for good; a time in the past ends a silence."""

    until: Timestamp | None = None
    reason: _Reason = ""


class SnoozeBody(msgspec.Struct, forbid_unknown_fields=True):
    """For how long and why."""

    minutes: Annotated[int, Meta(ge=1, le=MAX_SNOOZE_MIN)]
    reason: _Reason = ""


class Journalled(msgspec.Struct):
    """What somebody did about the incident is entry `seq` of the journal."""

    incident_id: str
    seq: int


async def resolve_incident(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/resolve``: if it comes again, it is a regression."""
    incident_id, by = await asked(request)
    seq = await request.app[ACTIONS].resolve(incident_id, by)
    return answer(Journalled(incident_id, seq), status=202)


async def silence_incident(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/silence``: until then, nobody is told of its issues."""
    body = await read_body(request, SilenceBody)
    incident_id, by = await asked(request)
    actions = request.app[ACTIONS]
    seq = await actions.silence(incident_id, by, until=body.until, reason=body.reason)
    return answer(Journalled(incident_id, seq), status=202)


async def snooze_incident(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/snooze``: silences it for some minutes."""
    body = await read_body(request, SnoozeBody)
    incident_id, by = await asked(request)
    seq = await request.app[ACTIONS].snooze(incident_id, by, body.minutes, body.reason)
    return answer(Journalled(incident_id, seq), status=202)


async def asked(request: web.Request) -> tuple[str, str]:
    """Return the incident, which exists, and the name of the person who asks."""
    incident_id = request.match_info["incident_id"]
    async with request.app[DATABASE].read() as tx:
        if await incidents.get(tx, incident_id) is None:
            raise web.HTTPNotFound(text=f"There is no incident {incident_id}.")
        return incident_id, await name_of_asker(tx, request)


async def name_of_asker(tx: Transaction, request: web.Request) -> str:
    """Return the name of the person who asks, for the timeline."""
    person = await people.get(tx, person_id(request))
    return person.name if person else "somebody"
