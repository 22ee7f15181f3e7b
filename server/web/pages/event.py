"""The page of one entry of the journal: all that was kept of an event, and what became of it."""

import msgspec
from aiohttp import web

from server.keys import DATABASE
from server.web.api.events import find_event
from server.web.pages.chrome import read_chrome
from server.web.pages.kept_event import kept_event
from server.web.pages.rendering import render
from server.web.pages.stack_trace import what_was_raised
from server.wording.formats import shown_links, source_name
from server.wording.numbers import named_numbers
from shared.event_context import NO_CONTEXT
from shared.pipe import EventEntry


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /events/{seq}``."""
    found = await find_event(request)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
    kept = msgspec.json.encode(found.entry)
    happened = kept_event(kept)
    event = None if happened is None else happened.event
    return render(
        request,
        "event.html",
        {
            "here": "deliveries",
            "chrome": chrome,
            "found": found,
            "event": event,
            "raised": [] if happened is None else what_was_raised(happened.event, happened.context),
            "context": NO_CONTEXT if happened is None else happened.context,
            "facts": [] if event is None else _facts(event),
            "links": [] if event is None else shown_links(event.links, event.source),
            "numbers": named_numbers(found.numbers),
            "json": msgspec.json.format(kept, indent=2).decode(),
        },
    )


def _facts(event: EventEntry) -> list[tuple[str, str]]:
    """Return what is known about the event besides its exception: names and values."""
    facts = {
        "Severity": event.severity,
        "Release": event.release,
        "Route": event.api_route,
        "Request": event.request_url,
        "Alert rule": event.alert_rule,
        "Source": source_name(event.source),
        "Its event": event.event_id,
        "Its issue": event.issue_id,
        "Fingerprint": event.fingerprint,
        "Platform": event.platform,
    }
    return [(name, value) for name, value in facts.items() if value]
