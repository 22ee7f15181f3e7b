"""The forms of the page of an incident: acknowledge, resolve, silence, snooze, judge."""

from collections.abc import Mapping

from aiohttp import web

from server.keys import ACTIONS
from server.web.api.acknowledging import acknowledge
from server.web.api.incident_wishes import MAX_REASON, MAX_SNOOZE_MIN, asked
from server.web.api.suspect_answers import judge
from server.web.forms import read_form
from server.web.requests import read_number


async def acknowledge_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{incident_id}/acknowledge``: redirects back to the incident."""
    incident = await acknowledge(request)
    raise web.HTTPSeeOther(f"/incidents/{incident.summary.incident_id}")


async def resolve_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{incident_id}/resolve``: redirects back to the incident."""
    incident_id, by = await asked(request)
    await request.app[ACTIONS].resolve(incident_id, by)
    raise web.HTTPSeeOther(f"/incidents/{incident_id}")


async def silence_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{incident_id}/silence``: for some ``minutes`` of the form, or for good."""
    form = await read_form(request)
    return await _silence_from_page(request, form, read_number(form, "minutes", MAX_SNOOZE_MIN))


async def snooze_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{incident_id}/snooze``: for the ``minutes`` of the form."""
    form = await read_form(request)
    minutes = read_number(form, "minutes", MAX_SNOOZE_MIN)
    if not minutes:
        raise web.HTTPBadRequest(text="The form has no number of minutes.")
    return await _silence_from_page(request, form, minutes)


async def judge_suspect_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{incident_id}/suspects``: whether ``commit`` is ``right`` or ``wrong``."""
    form = await read_form(request)
    said = form.get("answer")
    if said not in ("right", "wrong"):
        raise web.HTTPBadRequest(text="`answer` must be `right` or `wrong`.")
    incident_id = request.match_info["incident_id"]
    await judge(request, incident_id, form.get("commit", ""), is_right=said == "right")
    raise web.HTTPSeeOther(f"/incidents/{incident_id}#suspects-head")


async def _silence_from_page(
    request: web.Request, form: Mapping[str, str], minutes: int | None
) -> web.StreamResponse:
    incident_id, by = await asked(request)
    reason = form.get("reason", "")[:MAX_REASON]
    actions = request.app[ACTIONS]
    if minutes:
        await actions.snooze(incident_id, by, minutes, reason)
    else:
        await actions.silence(incident_id, by, reason=reason)
    raise web.HTTPSeeOther(f"/incidents/{incident_id}")
