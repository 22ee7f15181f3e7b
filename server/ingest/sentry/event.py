"""Turns one Sentry event into the entry of an occurrence."""

from datetime import datetime

import msgspec

from server.ingest.delivery import Fault
from server.ingest.notes import Notes
from server.ingest.sentry.context import read_context
from server.ingest.sentry.exceptions import what_was_raised
from server.ingest.sentry.fields import (
    read_environment,
    read_fingerprint,
    read_identity,
    read_release,
    read_service,
    read_severity,
    read_tags,
    read_url,
    source_links,
    time_of_event,
)
from server.ingest.sentry.payload import Event, Project
from server.ingest.sentry.rest import take_rest_entries
from server.ingest.text import clean_line
from shared.event_context import pack_context
from shared.pipe import EventEntry

SAMPLE_TAG = "sample_event"
"""The tag on events of Sentry's "create sample event" and test buttons."""

_NOBODY = frozenset({"", "0", "-1", "anonymous", "guest", "none", "null", "undefined", "unknown"})
"""What programs send of a user whom they do not know."""

_EMPTY = Event()


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a body says about its event outside of the event itself."""

    path: str
    project: Project | str | int | float | None = None
    project_slug: str | None = None
    level: str | None = None
    message: str | None = None
    culprit: str | None = None
    page: str | None = None
    issue_id: str | int | float | None = None
    alert_rule: str | None = None
    is_test: bool = False


def is_empty(event: Event | None) -> bool:
    """Return whether the event holds nothing that an entry could be made of."""
    return event is None or event == _EMPTY


def event_entry(event: Event, around: Surroundings, received: datetime, notes: Notes) -> EventEntry:
    """Return the occurrence in `event`; take what is missing in it from `around`."""
    take_rest_entries(event, around.path, notes)
    if not event.culprit:
        event.culprit = around.culprit
    if not event.message:
        event.message = around.message
    raised = what_was_raised(event, notes)
    tags = read_tags(event.tags, notes)
    level = event.level or (event.occurrence.level if event.occurrence else None)
    severity = read_severity(level or around.level, tags, notes)
    issue_id = read_identity(
        event.issue_id or event.rest_issue_id or around.issue_id, "issue_id", notes
    )
    request_url = event.request.url if event.request is not None else None
    return EventEntry(
        source="sentry",
        service=read_service(
            event.project if event.project is not None else around.project,
            event.project_slug or around.project_slug,
            event.url,
            notes,
        ),
        environment=read_environment(event.environment or tags.get("environment"), notes),
        timestamp=time_of_event(
            (event.timestamp, event.datetime, event.rest_created), received, notes
        ),
        severity=severity,
        exception_type=raised.exception_type,
        message=raised.message,
        message_template=raised.template,
        stacktrace=raised.traces[0].frames,
        chain=raised.chain,
        tags=tags,
        links=source_links(event.web_url, around.page, event.url),
        release=read_release(event.release, tags, notes),
        fingerprint=read_fingerprint(event.fingerprint, issue_id, notes),
        issue_id=issue_id,
        event_id=event_id_of(event, notes),
        trace_id=_trace_of(event, notes),
        user_id=_user_of(event),
        alert_rule=read_identity(around.alert_rule, "alert_rule", notes),
        api_route=read_url(event.transaction or tags.get("transaction")),
        request_url=read_url(request_url or tags.get("url")),
        platform=clean_line(event.platform or "", 64) or None,
        unique=around.is_test or SAMPLE_TAG in tags or _has_sample_title(event.title),
        context=pack_context(read_context(event, raised.traces)),
        notes=notes.sentences(),
    )


def event_id_of(event: Event, notes: Notes) -> str | None:
    """Return Sentry's id of the event, whichever name it has."""
    event_id = event.event_id or event.rest_event_id or event.id
    return read_identity(event_id, "event_id", notes)


def _trace_of(event: Event, notes: Notes) -> str | None:
    trace = event.contexts and event.contexts.trace
    return read_identity(trace.trace_id, "trace_id", notes) if trace else None


def _user_of(event: Event) -> str | None:
    """Return who it happened to. An address alone may stand for many people."""
    for name in ("id", "email", "username"):
        value = (event.user or {}).get(name)
        if isinstance(value, str | int) and str(value).strip().lower() not in _NOBODY:
            return clean_line(str(value), 256) or None
    return None


def empty_fault(path: str) -> Fault:
    """Return the fault of a body whose event says nothing."""
    return Fault(
        path,
        "is missing or empty; an event needs at least one of `exception`, `message`, `logentry`, "
        "`title` and `metadata`",
    )


def _has_sample_title(title: str | None) -> bool:
    # Sentry's own samples have the title "This is an example Python exception".
    return bool(title and title.startswith("This is an example ") and title.endswith(" exception"))
