"""The JSON API: what the pages show, for programs. Errors are ``{"error": …}``."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from server.incidents.last_day import read_last_day
from server.incidents.rate import read_rate
from server.keys import DATABASE, JOURNAL, LIVE, SETTINGS
from server.storage.main import decisions, incident_users, incidents, not_told, notifications
from server.storage.main.incident_users import MAX_USERS
from server.storage.main.incidents import IncidentChange, StoredIncident
from server.storage.times import micros_now
from server.web.api.bell import NotificationAnswer, notification_answer
from server.web.api.incident_timeline import read_timeline
from server.web.api.suspect_answers import GivenAnswer, read_answers
from server.web.auth import person_id
from server.web.requests import (
    answer,
    read_filter,
    read_limit,
    read_number,
    read_place,
    write_place,
)
from server.wording.explain import explain_decision, explain_incident
from server.wording.not_told import NotToldAnswer, not_told_in_words
from server.wording.reasons import in_words
from server.wording.timeline import TimelineItem
from shared.decisions import Code
from shared.incident import IncidentSummary, Numbers, SuspectCommit, Symptom
from shared.structs import made_of


class SymptomAnswer(Symptom, omit_defaults=False):
    """A symptom, with nothing left out."""


class SuspectAnswer(SuspectCommit, omit_defaults=False):
    """A suspect commit, with nothing left out."""


class IncidentAnswer(IncidentSummary, kw_only=True, omit_defaults=False):
    """An incident as the list gives it: the engine's summary, and what became of it.

    `opened_seq` is the entry whose decision opened it (``/api/decisions/{seq}``). `url` is its
    page. `last_day` are its events in each of the last 24 hours, the running one last.
    """

    state: Literal["open", "ended"]
    ended_at: datetime | None
    end_reason: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    opened_seq: int
    last_day: list[int]
    explanation: str
    url: str


class IncidentWithChanges(IncidentAnswer, kw_only=True, omit_defaults=False):
    """One incident with its changes, everything that happened, and who was not told and why.

    Each of these is sorted oldest first. `suspect_answers` are what people said about its suspects.
    `users` is how many users its events named, of whom at most 1,000 are counted.
    """

    users: Annotated[int, Meta(ge=0, le=MAX_USERS)]
    changes: list[IncidentChange]
    timeline: list[TimelineItem]
    not_told: list[NotToldAnswer]
    suspect_answers: list[GivenAnswer]


class IncidentPage(msgspec.Struct):
    """Some incidents, newest first; `next` is the ``before`` of the next page."""

    incidents: list[IncidentAnswer]
    next: str | None


class NotificationPage(msgspec.Struct):
    """Some notifications, newest first; `unread` counts all of them, not only these."""

    unread: int
    notifications: list[NotificationAnswer]
    next: int | None


class Unread(msgspec.Struct):
    """How many of the person's notifications are unread now."""

    unread: int


class DecisionAnswer(msgspec.Struct):
    """What became of an event, with the reason in words. `issue` is its issue's fingerprint."""

    seq: int
    code: Code
    incident_id: str | None
    numbers: Numbers
    issue: str | None
    reason: str


async def list_incidents(request: web.Request) -> web.Response:
    """``GET /api/incidents``: lists incidents, newest first.

    ``state``, ``service``, ``environment``, ``trigger``, ``severity``, ``limit`` and ``before``
    narrow the list.
    """
    wanted, after = read_filter(request.query), read_place(request.query)
    limit = read_limit(request.query)
    async with request.app[DATABASE].read() as tx:
        found = await incidents.newest(tx, wanted, limit + 1, after)
        shown = found[:limit]
        days = await read_last_day(tx, shown, datetime.now(UTC))
    more = write_place(shown[-1]) if len(found) > limit else None
    base = request.app[SETTINGS].public_url
    listed = [_incident(each, day, base) for each, day in zip(shown, days, strict=True)]
    return answer(IncidentPage(listed, more))


async def get_incident(request: web.Request) -> web.Response:
    """``GET /api/incidents/{incident_id}``."""
    incident_id = request.match_info["incident_id"]
    async with request.app[DATABASE].read() as tx:
        incident = await incidents.get(tx, incident_id)
        if incident is None:
            raise web.HTTPNotFound(text=f"There is no incident {incident_id}.")
        changes = await incidents.changes(tx, incident_id, 1000)
        timeline = await read_timeline(tx, incident_id)
        kept = await not_told.of_incident(tx, incident_id, 1000)
        answers = await read_answers(tx, incident_id)
        users = await incident_users.count(tx, incident_id)
        (day,) = await read_last_day(tx, [incident], datetime.now(UTC))
    found = _incident(incident, day, request.app[SETTINGS].public_url)
    return answer(
        made_of(
            found,
            IncidentWithChanges,
            users=users,
            changes=changes,
            timeline=timeline,
            not_told=[not_told_in_words(each) for each in kept],
            suspect_answers=answers,
        )
    )


async def get_rate(request: web.Request) -> web.Response:
    """``GET /api/incidents/{incident_id}/rate``: how often its events came."""
    incident_id = request.match_info["incident_id"]
    async with request.app[DATABASE].read() as tx:
        incident = await incidents.get(tx, incident_id)
        if incident is None:
            raise web.HTTPNotFound(text=f"There is no incident {incident_id}.")
        rate = await read_rate(tx, request.app[JOURNAL], incident, datetime.now(UTC))
    if rate is None:
        raise web.HTTPNotFound(text="The events of that time are no longer kept.")
    return answer(rate)


async def list_notifications(request: web.Request) -> web.Response:
    """``GET /api/notifications``: newest first; ``limit`` and ``before`` narrow the list."""
    person = person_id(request)
    before, limit = read_number(request.query, "before"), read_limit(request.query)
    async with request.app[DATABASE].read() as tx:
        unread = await notifications.unread_count(tx, person)
        found = await notifications.newest(tx, person, limit + 1, before)
    shown = found[:limit]
    more = shown[-1].id if len(found) > limit else None
    return answer(NotificationPage(unread, list(map(notification_answer, shown)), more))


async def mark_read(request: web.Request) -> web.Response:
    """``POST /api/notifications/{id}/read``: doing it again changes nothing."""
    person, notification_id = person_id(request), int(request.match_info["id"])
    async with request.app[DATABASE].write() as tx:
        if not await notifications.mark_read(tx, person, notification_id, micros_now()):
            raise web.HTTPNotFound(text=f"There is no notification {notification_id}.")
        unread = await notifications.unread_count(tx, person)
    request.app[LIVE].publish(person)
    return answer(Unread(unread))


async def mark_all_read(request: web.Request) -> web.Response:
    """``POST /api/notifications/read-all``: marks all as read.

    With ``?up_to=``, it marks only those up to that id, for a reader who has seen no more than
    that.
    """
    person, up_to = person_id(request), read_number(request.query, "up_to")
    async with request.app[DATABASE].write() as tx:
        if up_to is None:
            up_to = await notifications.newest_id(tx, person)
        await notifications.mark_all_read(tx, person, up_to, micros_now())
        unread = await notifications.unread_count(tx, person)
    request.app[LIVE].publish(person)
    return answer(Unread(unread))


async def get_decision(request: web.Request) -> web.Response:
    """``GET /api/decisions/{seq}``: what became of the entry that a webhook was answered with."""
    seq = int(request.match_info["seq"])
    async with request.app[DATABASE].read() as tx:
        decision = await decisions.get(tx, seq)
    if decision is None:
        raise web.HTTPNotFound(
            text=f"No decision on {seq} is stored: the entry is waiting for the engine, is too old "
            "to be kept, or never existed."
        )
    return answer(
        DecisionAnswer(
            decision.seq,
            decision.code,
            decision.incident_id,
            decision.numbers,
            decision.issue,
            explain_decision(decision),
        )
    )


def _incident(incident: StoredIncident, day: list[int], base_url: str) -> IncidentAnswer:
    summary = in_words(incident.summary)
    return made_of(
        summary,
        IncidentAnswer,
        top_symptoms=[made_of(each, SymptomAnswer) for each in summary.top_symptoms],
        suspected_causes=[made_of(each, SuspectAnswer) for each in summary.suspected_causes],
        state="open" if incident.ended_at is None else "ended",
        ended_at=incident.ended_at,
        end_reason=incident.end_reason,
        acknowledged_at=incident.acknowledged_at,
        acknowledged_by=incident.acknowledged_by,
        opened_seq=incident.opened_seq,
        last_day=day,
        explanation=explain_incident(summary),
        url=f"{base_url}/incidents/{summary.incident_id}",
    )
