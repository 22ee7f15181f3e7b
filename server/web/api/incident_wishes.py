"""What people want of an incident: resolved, silenced, or quiet for a while.

Each is an entry of the journal: the engine decides what follows from it, in its place among all
others, and a replay decides the same.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import DATABASE, JOURNAL
from server.storage.journal.journal import JournalUnavailable
from server.storage.main import incidents, people
from server.web.auth import person_id
from server.web.requests import answer, read_body, read_number
from shared.event import Timestamp
from shared.pipe import Resolve, Silence

MAX_REASON = 500
MAX_SNOOZE_MIN = 30 * 24 * 60

_Reason = Annotated[str, Meta(max_length=MAX_REASON)]


class SilenceBody(msgspec.Struct, forbid_unknown_fields=True):
    """Until when, null for good (and what is past ends a silence), and why."""

    until: Timestamp | None = None
    reason: _Reason = ""


class SnoozeBody(msgspec.Struct, forbid_unknown_fields=True):
    """For how long, and why."""

    minutes: Annotated[int, Meta(ge=1, le=MAX_SNOOZE_MIN)]
    reason: _Reason = ""


async def resolve_incident(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/resolve``: when it comes again, it is a regression."""
    incident_id, by = await _asked(request)
    return await _tell(request, Resolve(incident_id=incident_id, by=by, time=datetime.now(UTC)))


async def silence_incident(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/silence``: its issues tell nobody, until then."""
    body = await read_body(request, SilenceBody)
    return await _silence(request, body.until, body.reason)


async def snooze_incident(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/snooze``: the same, for some minutes."""
    body = await read_body(request, SnoozeBody)
    until = datetime.now(UTC) + timedelta(minutes=body.minutes)
    return await _silence(request, until, body.reason)


async def resolve_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{incident_id}/resolve``: back to the incident."""
    incident_id, by = await _asked(request)
    await _append(request, Resolve(incident_id=incident_id, by=by, time=datetime.now(UTC)))
    raise web.HTTPSeeOther(f"/incidents/{incident_id}")


async def silence_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{incident_id}/silence``: for some ``minutes`` of the form, or for good."""
    form = await _form(request)
    return await _silence_from_page(request, form, read_number(form, "minutes", MAX_SNOOZE_MIN))


async def snooze_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{incident_id}/snooze``: for the ``minutes`` of the form."""
    form = await _form(request)
    minutes = read_number(form, "minutes", MAX_SNOOZE_MIN)
    if not minutes:
        raise web.HTTPBadRequest(text="The form has no number of minutes.")
    return await _silence_from_page(request, form, minutes)


async def _form(request: web.Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.post()).items()}


async def _silence_from_page(
    request: web.Request, form: Mapping[str, str], minutes: int | None
) -> web.StreamResponse:
    incident_id, by = await _asked(request)
    now = datetime.now(UTC)
    until = now + timedelta(minutes=minutes) if minutes else None
    reason = form.get("reason", "").strip()[:MAX_REASON]
    await _append(
        request, Silence(incident_id=incident_id, by=by, time=now, until=until, reason=reason)
    )
    raise web.HTTPSeeOther(f"/incidents/{incident_id}")


async def _silence(request: web.Request, until: datetime | None, reason: str) -> web.Response:
    incident_id, by = await _asked(request)
    now = datetime.now(UTC)
    return await _tell(
        request,
        Silence(incident_id=incident_id, by=by, time=now, until=until, reason=reason.strip()),
    )


async def _asked(request: web.Request) -> tuple[str, str]:
    """The incident, which is there, and the name of who asks."""
    incident_id = request.match_info["incident_id"]
    async with request.app[DATABASE].read() as tx:
        if await incidents.get(tx, incident_id) is None:
            raise web.HTTPNotFound(text=f"There is no incident {incident_id}.")
        person = await people.get(tx, person_id(request))
    return incident_id, person.name if person else "somebody"


async def _tell(request: web.Request, entry: Resolve | Silence) -> web.Response:
    seq = await _append(request, entry)
    return answer({"incident_id": entry.incident_id, "seq": seq}, status=202)


async def _append(request: web.Request, entry: Resolve | Silence) -> int:
    try:
        appended = await request.app[JOURNAL].append([entry], None)
    except JournalUnavailable as error:
        raise web.HTTPServiceUnavailable(
            text=f"It could not be stored: {error}.", headers={"Retry-After": "30"}
        ) from error
    return appended.seqs[0]
