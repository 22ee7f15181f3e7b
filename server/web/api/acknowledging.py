"""Acknowledging: somebody says that they have seen this incident and look after it."""

from datetime import datetime

import msgspec
from aiohttp import web

from server.keys import ACTIONS, DATABASE
from server.storage.main.incidents import StoredIncident
from server.web.api.incident_wishes import name_of_asker
from server.web.requests import answer


class Acknowledgement(msgspec.Struct):
    """Who looks after the incident, and since when."""

    incident_id: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None


async def acknowledge_incident(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/acknowledge``: doing it again changes nothing."""
    incident = await acknowledge(request)
    return answer(
        Acknowledgement(
            incident.summary.incident_id, incident.acknowledged_at, incident.acknowledged_by
        )
    )


async def acknowledge(request: web.Request) -> StoredIncident:
    """Acknowledge the incident that the address names, and return it; raise 404 or 409."""
    incident_id = request.match_info["incident_id"]
    async with request.app[DATABASE].read() as tx:
        by = await name_of_asker(tx, request)
    incident = await request.app[ACTIONS].acknowledge(incident_id, by)
    if incident is None:
        raise web.HTTPNotFound(text=f"There is no incident {incident_id}.")
    if incident.acknowledged_at is None:
        raise web.HTTPConflict(text="This incident has ended, so it cannot be acknowledged.")
    return incident
