"""The API of one issue: what PushLog has counted of it, its incidents and its newest events."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from server.keys import DATABASE, JOURNAL
from server.notify.masking import without_secrets
from server.storage.journal.entry import JournalEntry
from server.storage.main import checkpoints, decisions, issues
from server.storage.main.issues import IncidentOfIssue
from server.storage.times import from_micros
from server.web.api.events import read_entry
from server.web.requests import answer
from server.wording.incoming import why_decided
from shared.issue import IssueState, newest_events
from shared.pipe import Decision, EventEntry

MAX_INCIDENTS = 50

_EARLIEST_S, _LATEST_S = -62_000_000_000.0, 250_000_000_000.0
"""The years 5 and 9892, between which every moment is a date."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine has counted of an issue, a few seconds ago.

    Of the `events`, `retries` of one trace or user within a minute or two are no news.
    `usual_per_min` is how often its events came as of the last minute in which nothing was unusual
    about it, None if there was none yet. `usual_bursts` is how many bursts like its last one it had
    in the week until then, if so many that one more is told to nobody; 0 otherwise.
    `release` is the one in which it was last seen, and `resolved_release` the one that fixes it or,
    if it is `fixed_later`, the newest one that did not yet.
    `silenced_until` is None if it is silenced for good, or not `silenced` at all.
    """

    events: int
    retries: int
    first_seen: datetime
    last_seen: datetime
    usual_per_min: float | None
    usual_bursts: int
    release: str | None
    resolved_at: datetime | None
    resolved_release: str | None
    fixed_later: bool
    silenced: bool
    silenced_until: datetime | None


class EventOfIssue(msgspec.Struct, frozen=True, kw_only=True):
    """One of its newest events, and what became of it; `/api/events/{seq}` has all of it."""

    seq: int
    received: datetime
    message: str
    release: str | None
    decision: str | None
    reason: str
    incident_id: str | None


class IssueAnswer(msgspec.Struct, kw_only=True):
    """An issue: the events of one fingerprint.

    `counted` is None if the engine has forgotten the issue, because too many others were seen
    since. `source`, `message` and `links` are those of its newest event that is kept. `incidents`
    and `events` are sorted newest first.
    """

    fingerprint: str
    service: str
    environment: str
    exception_type: str
    message: str
    source: str | None
    source_issue_id: str | None
    links: Mapping[str, str]
    counted: Counted | None
    incidents: Sequence[IncidentOfIssue]
    events: Sequence[EventOfIssue]


async def get_issue(request: web.Request) -> web.Response:
    """``GET /api/issues/{fingerprint}``."""
    return answer(await find_issue(request))


async def find_issue(request: web.Request) -> IssueAnswer:
    """Return the issue that the address names, or answer 404."""
    fingerprint = request.match_info["fingerprint"]
    async with request.app[DATABASE].read() as tx:
        state = await issues.state_of(tx, fingerprint)
        incidents = await issues.incidents_of(tx, fingerprint, MAX_INCIDENTS)
        seqs = [] if state is None else newest_events(state.newest)
        decided = await decisions.get_some(tx, seqs)
        decided_to = (await checkpoints.progress(tx)).recorded_seq
    stored = [each for seq in seqs if (each := await request.app[JOURNAL].get(seq)) is not None]
    kept = [
        (each, event) for each in stored if isinstance(event := read_entry(each.body), EventEntry)
    ]
    events = [
        _event_of_issue(each, event, decided.get(each.seq), decided_to) for each, event in kept
    ]
    lead = kept[0][1] if kept else None
    named = incidents[0] if incidents else None
    place = state or named
    if place is None:
        raise web.HTTPNotFound(
            text=f"There is no issue {fingerprint}, or PushLog has seen too many others since."
        )
    return IssueAnswer(
        fingerprint=fingerprint,
        service=place.service,
        environment=place.environment,
        exception_type=place.exception_type,
        message=events[0].message if events else named.message if named else "",
        source=lead.source if lead else None,
        source_issue_id=state.issue_id if state else None,
        links=_masked_links(lead) if lead else {},
        counted=None if state is None else _counted(state, datetime.now(UTC).timestamp()),
        incidents=incidents,
        events=events,
    )


def _event_of_issue(
    stored: JournalEntry, event: EventEntry, decision: Decision | None, decided_to: int
) -> EventOfIssue:
    return EventOfIssue(
        seq=stored.seq,
        received=from_micros(stored.received),
        message=without_secrets(event.message),
        release=event.release,
        decision=None if decision is None else decision.code,
        reason=why_decided(stored.seq, decision, decided_to),
        incident_id=None if decision is None else decision.incident_id,
    )


def _masked_links(event: EventEntry) -> dict[str, str]:
    return {name: without_secrets(url) for name, url in event.links.items()}


def _counted(state: IssueState, now: float) -> Counted:
    silenced = state.silenced_until < 0 or state.silenced_until > now
    until = _moment(state.silenced_until) if state.silenced_until > now else None
    return Counted(
        events=state.count,
        retries=state.retries,
        first_seen=_moment(state.first_seen),
        last_seen=_moment(state.last_seen),
        usual_per_min=state.usual_per_min or None,
        usual_bursts=state.usual_bursts,
        release=state.release,
        resolved_at=_moment(state.resolved) if state.resolved else None,
        resolved_release=state.resolved_release,
        fixed_later=state.fixed_later,
        silenced=silenced,
        silenced_until=until,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(max(seconds, _EARLIEST_S), _LATEST_S), UTC)
