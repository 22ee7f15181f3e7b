"""What people can do with an incident: resolve, silence or snooze it.

Each action is a journal entry. The engine decides what follows from it, in order with all other
entries, and a replay decides the same.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import DATABASE, JOURNAL
from server.storage.database import Transaction
from server.storage.main import incidents, people
from server.web.auth import person_id
from server.web.requests import answer, read_body
from shared.event import Timestamp
from shared.pipe import Resolve, Silence

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
    entry = Resolve(incident_id=incident_id, by=by, time=datetime.now(UTC))
    return await _tell(request, incident_id, entry)


async def silence_incident(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/silence``: until then, nobody is told of its issues."""
    body = await read_body(request, SilenceBody)
    return await _silence(request, body.until, body.reason)


async def snooze_incident(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/snooze``: silences it for some minutes."""
    body = await read_body(request, SnoozeBody)
    until = datetime.now(UTC) + timedelta(minutes=body.minutes)
    return await _silence(request, until, body.reason)


async def _silence(request: web.Request, until: datetime | None, reason: str) -> web.Response:
    incident_id, by = await asked(request)
    now = datetime.now(UTC)
    entry = Silence(incident_id=incident_id, by=by, time=now, until=until, reason=reason.strip())
    return await _tell(request, incident_id, entry)


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


async def _tell(request: web.Request, incident_id: str, entry: Resolve | Silence) -> web.Response:
    seq = await append(request, entry)
    return answer(Journalled(incident_id, seq), status=202)


async def append(request: web.Request, entry: Resolve | Silence) -> int:
    """Write `entry` to the journal and return its number."""
    return (await request.app[JOURNAL].append([entry], None)).seqs[0]
