"""Somebody says: I have seen this incident and look after it.

It is not an entry of the journal, since the engine decides nothing by it; and what people are told
of stays the same, because an incident that gets worse is news to who looks after it, too.
"""

from datetime import UTC, datetime

from aiohttp import web

from server.keys import DATABASE, LIVE
from server.storage.main import incidents, people
from server.storage.main.incidents import StoredIncident
from server.storage.times import to_micros
from server.web.auth import person_id
from server.web.requests import answer


async def acknowledge_incident(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/acknowledge``: once more changes nothing."""
    incident = await _acknowledge(request)
    return answer(
        {
            "incident_id": incident.summary.incident_id,
            "acknowledged_at": incident.acknowledged_at,
            "acknowledged_by": incident.acknowledged_by,
        }
    )


async def acknowledge_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{incident_id}/acknowledge``: back to the incident."""
    incident = await _acknowledge(request)
    raise web.HTTPSeeOther(f"/incidents/{incident.summary.incident_id}")


async def _acknowledge(request: web.Request) -> StoredIncident:
    incident_id = request.match_info["incident_id"]
    async with request.app[DATABASE].write() as tx:
        person = await people.get(tx, person_id(request))
        by = person.name if person else "somebody"
        is_news = await incidents.acknowledge(tx, incident_id, by, to_micros(datetime.now(UTC)))
        incident = await incidents.get(tx, incident_id)
    if incident is None:
        raise web.HTTPNotFound(text=f"There is no incident {incident_id}.")
    if incident.acknowledged_at is None:
        raise web.HTTPConflict(text="This incident has ended, so it cannot be acknowledged.")
    if is_news:
        request.app[LIVE].publish_incidents()
    return incident
