"""The page of an incident: what happened, why, who did it, and what to do first."""

from datetime import UTC, datetime

from aiohttp import web

from server.incidents.rate import Rate, read_rate
from server.keys import DATABASE, JOURNAL
from server.storage.database import Transaction
from server.storage.journal.entry import JournalUnavailable
from server.storage.main import deploy_list, incident_users, incidents, silences, suspect_answers
from server.storage.main.incidents import StoredIncident
from server.storage.times import micros_now
from server.web.api.deploys import page_of
from server.web.api.incident_timeline import read_timeline
from server.web.pages.chrome import read_chrome
from server.web.pages.kept_event import KeptEvent, find_kept_event
from server.web.pages.rate_chart import HEIGHT, WIDTH, draw
from server.web.pages.rendering import render
from server.web.pages.stack_trace import Raised, fold_frames, what_was_raised
from server.wording.explain import explain_incident
from server.wording.formats import counted_users, shown_links
from server.wording.numbers import named_numbers
from server.wording.reasons import in_words
from server.wording.timeline import fold_joined
from shared.incident import IncidentSummary, Numbers


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /incidents/{incident_id}``."""
    incident_id = request.match_info["incident_id"]
    async with request.app[DATABASE].read() as tx:
        incident = await incidents.get(tx, incident_id)
        if incident is None:
            raise web.HTTPNotFound(text=f"There is no incident {incident_id}.")
        chrome = await read_chrome(request, tx)
        timeline = await read_timeline(tx, incident_id)
        answers = await suspect_answers.of_incident(tx, incident_id)
        silence = await silences.of_incident(tx, incident_id, micros_now())
        users = await incident_users.count(tx, incident_id)
        rate = await _rate(request, tx, incident)
        deploy_urls = await _deploy_urls(tx, incident.summary)
    opening = await find_kept_event(request.app[JOURNAL], incident.opened_seq)
    what = "alerts" if incident.summary.alert_rule else "events"
    return render(
        request,
        "incident.html",
        {
            "here": "incident",
            "chrome": chrome,
            "incident": incident,
            "summary": in_words(incident.summary),
            "silence": silence,
            "answers": answers,
            "timeline": fold_joined(timeline),
            "what": what,
            "users": counted_users(users),
            "chart": None if rate is None else draw(rate, what),
            "width": WIDTH,
            "height": HEIGHT,
            "why": explain_incident(incident.summary),
            "numbers": _numbers(incident.summary.trigger_numbers),
            "raised": _raised(incident.summary, opening),
            "opening": opening,
            "links": shown_links(incident.summary.links, incident.summary.source),
            "tags": _tags(incident.summary),
            "deploy_urls": deploy_urls,
        },
    )


async def _rate(request: web.Request, tx: Transaction, incident: StoredIncident) -> Rate | None:
    """Return the rate; a journal that cannot be read removes only the chart from the page."""
    if incident.summary.trigger == "deploy":
        return None
    try:
        return await read_rate(tx, request.app[JOURNAL], incident, datetime.now(UTC))
    except JournalUnavailable:
        return None


def _raised(summary: IncidentSummary, opening: KeptEvent | None) -> list[Raised]:
    """Return what was raised, with all that is kept of it only where that is the event shown."""
    if opening is not None and opening.event.stacktrace == summary.stacktrace:
        first, *others = what_was_raised(opening.event, opening.context)
        return [Raised(summary.exception_type, summary.message, first.runs), *others]
    return [Raised(summary.exception_type, summary.message, fold_frames(summary.stacktrace))]


def _numbers(numbers: Numbers) -> list[tuple[str, str]]:
    """Return all numbers, if there is one that the sentence above does not say in full."""
    if all(isinstance(number, str) for number in numbers.values()):
        return []
    return named_numbers(numbers)


async def _deploy_urls(tx: Transaction, summary: IncidentSummary) -> dict[str, str]:
    """Return where to find the deploys that the incident suspects or mentions, by their ids."""
    named = {suspect.deploy_id for suspect in summary.suspected_causes}
    ids = [each for each in (*named, summary.trigger_numbers.get("deploy")) if each is not None]
    found = await deploy_list.find(tx, summary.service, summary.environment, [*map(str, ids)])
    return {name: page_of(deploy_id) for name, deploy_id in found.items()}


def _tags(summary: IncidentSummary) -> dict[str, str]:
    """Return the tags that say something which the page does not show anyway."""
    shown = {
        summary.environment,
        summary.release,
        summary.api_route,
        summary.request_url,
        summary.service,
        summary.severity,
    }
    return {name: value for name, value in summary.tags.items() if value not in shown}
