"""Reads what Sentry says about an issue as a whole: created, back, resolved, archived."""

from datetime import datetime, timedelta
from typing import Literal

from server.ingest.delivery import Delivery, Fault, InvalidPayload
from server.ingest.notes import Notes
from server.ingest.sentry.exceptions import fit_message, fit_type, name_of_metadata
from server.ingest.sentry.fields import (
    delivery_identity,
    read_identity,
    read_release,
    read_service,
    read_severity,
    read_time,
    source_links,
    time_of_event,
)
from server.ingest.sentry.payload import Body, Issue, Release
from server.ingest.text import clean_line, line_end, scalar_text
from shared.event import UNKNOWN_ENVIRONMENT, Frame
from shared.pipe import Entry, EventEntry, Resolve, Silence

_PATH = "data.issue"


def action_of(body: Body) -> str:
    """Return what happened to the resource, in lower case; empty if the body does not say."""
    return clean_line(body.action or "", 64).lower()


def issue_delivery(body: Body, issue: Issue, received: datetime, notes: Notes) -> Delivery:
    """Return the entries of an `issue` webhook; raise `InvalidPayload` for an issue without id.

    A resolved issue is a resolve. An archived one (`ignored` is the older name) is a silence. An
    issue that is back as regressed or escalating is news, and so is a new one. An issue that is
    only unresolved again is neither resolved nor archived, so its silence ends. The assignee
    decides nothing here, and what a user wrote about the product is no error.
    """
    action = action_of(body)
    about = f"issue {action or 'without an action'}"
    if issue.issue_category == "feedback":
        return Delivery(entries=(), identity=None, about=f"{about}: feedback of a user, no error")
    issue_id = read_identity(issue.id, "id", notes)
    entries = tuple(_entries(body, issue, issue_id, received, notes))
    if not entries:
        return Delivery(entries=(), identity=None, about=about)
    if issue_id is None:
        raise InvalidPayload(
            f"{about}: the issue has no id",
            (Fault(f"{_PATH}.id", "is missing; it identifies the issue"),),
        )
    parts = (
        "archived" if action == "ignored" else action,
        issue_id,
        clean_line(issue.substatus or "", 64),
        clean_line(issue.last_seen or "", 64),
        clean_line(scalar_text(issue.count), 64),
    )
    return Delivery(entries=entries, identity=delivery_identity("issue", *parts), about=about)


def _entries(
    body: Body, issue: Issue, issue_id: str | None, received: datetime, notes: Notes
) -> list[Entry]:
    by = clean_line((body.actor.name if body.actor else None) or "Sentry", 256) or "Sentry"
    match action_of(body), issue.substatus:
        # An issue created during a burst may already be called escalating, but it is new.
        case "created", _:
            return [_news(issue, issue_id, None, received, notes)]
        case "unresolved", "regressed":
            return [_news(issue, issue_id, "regressed", received, notes)]
        case "unresolved", "escalating":
            return [_news(issue, issue_id, "escalating", received, notes)]
        case "unresolved", _:
            return [
                Silence(
                    issue_id=issue_id,
                    by=by,
                    time=received,
                    until=received,
                    reason="unresolved again in Sentry",
                )
            ]
        case "resolved", _:
            return [
                Resolve(
                    issue_id=issue_id,
                    by=by,
                    time=received,
                    release=_resolved_in(issue, notes),
                    later=_is_resolved_later(issue),
                )
            ]
        case (("ignored" | "archived"), substatus):
            return [
                Silence(
                    issue_id=issue_id,
                    by=by,
                    time=received,
                    until=_archived_until(issue, received),
                    reason=clean_line(
                        f"archived in Sentry ({substatus or 'no reason given'})", 256
                    ),
                )
            ]
    return []


def _news(
    issue: Issue,
    issue_id: str | None,
    state: Literal["regressed", "escalating"] | None,
    received: datetime,
    notes: Notes,
) -> EventEntry:
    """Return the issue as an event that is no new occurrence, with what the issue itself knows.

    Sentry does not name an environment for it: it may have happened in several.
    """
    exception_type, message = name_of_metadata(issue.metadata, issue.title)
    tags: dict[str, str] = {}
    severity = read_severity(issue.level, tags, notes)
    if issue.short_id:
        tags["short_id"] = clean_line(issue.short_id, 200)
    when = (issue.first_seen, issue.last_seen) if state is None else (issue.last_seen,)
    return EventEntry(
        source="sentry",
        service=read_service(issue.project, None, None, notes),
        environment=UNKNOWN_ENVIRONMENT,
        timestamp=time_of_event(when, received, notes),
        severity=severity,
        exception_type=fit_type(exception_type, notes),
        message=fit_message(message or issue.culprit or "", notes),
        stacktrace=_frame_of_metadata(issue),
        tags=tags,
        links=source_links(issue.web_url, issue.permalink),
        issue_id=issue_id,
        source_state=state,
        occurrence=False,
        platform=clean_line(issue.platform or "", 64) or None,
        notes=notes.sentences(),
    )


def _frame_of_metadata(issue: Issue) -> list[Frame]:
    if issue.metadata is None:
        return []
    file = line_end(issue.metadata.filename or "", 1024)
    function = clean_line(issue.metadata.function or "", 512)
    if not (file or function):
        return []
    return [Frame(file=file or None, function=function or None)]


def _resolved_in(issue: Issue, notes: Notes) -> str | None:
    """Return the release in which it was resolved, if one is named."""
    details = issue.status_details
    if details is None or isinstance(details.in_release, bool):
        return None
    if isinstance(details.in_release, Release | str | int | float):
        return read_release(details.in_release, {}, notes)
    return None


def _is_resolved_later(issue: Issue) -> bool:
    """Return whether the fix is in a release that is still to come."""
    details = issue.status_details
    return details is not None and bool(
        details.in_next_release or details.in_upcoming_release or details.in_commit
    )


def _archived_until(issue: Issue, received: datetime) -> datetime | None:
    """Return when the archived issue counts again, or None if no time was set."""
    details = issue.status_details
    if details is None:
        return None
    until = read_time(details.ignore_until)
    if until is None and details.ignore_duration is not None and details.ignore_duration > 0:
        try:
            until = received + timedelta(minutes=details.ignore_duration)
        except (OverflowError, ValueError):
            return None
    return until
