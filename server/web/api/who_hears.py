"""The API that says who would hear of an incident, a real one or one that is made up."""

from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import DATABASE, SETTINGS
from server.notify.channels import outlets_of
from server.notify.who_hears import WhoHears, who_hears
from server.storage.main import incidents
from server.storage.main.not_told import KeptFrom
from server.storage.main.notification_routes import Timing
from server.storage.main.outbox import ChannelName
from server.storage.times import from_micros, micros_now
from server.web.requests import answer, read_body
from server.wording.not_told import NotToldAnswer, not_told_in_words
from server.wording.routes import say_timing
from shared.event import PRODUCTION, Frame, Severity
from shared.incident import IncidentSummary, Trigger


class WhoBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An incident by its id, or what a made-up one is like; `path` is a file of its stack trace."""

    incident_id: str | None = None
    service: Annotated[str, Meta(max_length=128)] = ""
    environment: Annotated[str, Meta(min_length=1, max_length=64)] = PRODUCTION
    severity: Severity = "error"
    trigger: Trigger = "new_issue"
    path: Annotated[str, Meta(max_length=1024)] = ""

    def __post_init__(self) -> None:
        if bool(self.incident_id) == bool(self.service):
            raise ValueError("`incident_id` or `service` is needed, and only one of them")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message that would go out; `held_until` are the receiver's next working hours."""

    channel: ChannelName
    receiver: str
    held_until: datetime | None


class WhoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who would hear of the incident if it opened now.

    `timing` says when, and `words` says it in words. `routes` are the ids of the routes that apply
    to it. `bells` are the names of the people whose bells would ring. If a `noise_filter` matches,
    nobody hears of it.
    """

    timing: Timing
    words: str
    routes: list[int]
    noise_filter: str | None
    bells: list[str]
    messages: list[Message]
    not_told: list[NotToldAnswer]


async def ask_who(request: web.Request) -> web.Response:
    """``POST /api/routes/who``: changes nothing."""
    return answer(await who(request, await read_body(request, WhoBody)))


async def who(request: web.Request, body: WhoBody) -> WhoAnswer:
    """Return who would hear of it, or answer 404."""
    settings, now = request.app[SETTINGS], micros_now()
    async with request.app[DATABASE].read() as tx:
        if body.incident_id is None:
            incident = _made_up(body, from_micros(now))
        else:
            stored = await incidents.get(tx, body.incident_id)
            if stored is None:
                raise web.HTTPNotFound(text=f"There is no incident {body.incident_id}.")
            incident = stored.summary
        found = await who_hears(
            tx,
            incident,
            floor=settings.incident_notification_min_severity,
            outlets=outlets_of(settings),
            now=now,
        )
    return _answer(found, from_micros(now))


def _answer(found: WhoHears, now: datetime) -> WhoAnswer:
    names = {each.id: each.name for each in found.everyone}
    return WhoAnswer(
        timing=found.timing,
        words=say_timing(found.timing),
        routes=[each.id for each in found.routes],
        noise_filter=found.noise_filter,
        bells=[names[each] for each in found.plan.people],
        messages=[
            Message(
                channel=each.channel,
                receiver=each.receiver,
                held_until=None if each.held_until is None else from_micros(each.held_until),
            )
            for each in found.plan.deliveries
        ],
        not_told=[
            not_told_in_words(
                KeptFrom(
                    at=now,
                    change="opened",
                    person=None if each.person_id is None else names[each.person_id],
                    way=each.way,
                    reason=each.reason,
                    detail=each.detail,
                )
            )
            for each in found.plan.not_told
        ],
    )


def _made_up(body: WhoBody, now: datetime) -> IncidentSummary:
    return IncidentSummary(
        incident_id="made-up",
        title="A made-up incident",
        source="made up",
        service=body.service,
        environment=body.environment,
        severity=body.severity,
        priority_score=0,
        trigger=body.trigger,
        exception_type="Error",
        message="made up",
        start_time=now,
        last_seen=now,
        peak_time=now,
        top_symptoms=[],
        stacktrace=[Frame(file=body.path)] if body.path else [],
    )
