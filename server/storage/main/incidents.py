"""The tables incidents, incident_changes and symptoms; the recorder writes, pages read them."""

from datetime import datetime
from typing import Literal, get_args

import msgspec
from sqlalchemy import (
    Column,
    Row,
    Select,
    case,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert as upsert
from server.storage.main import incident_search, suspected_commits
from server.storage.main.incident_search import Search, matching
from server.storage.main.tables import (
    incident_changes,
    incident_deploys,
    incident_hours,
    incident_users,
    incidents,
    joined_issues,
    noise_filters,
    not_told,
    notifications,
    symptoms,
    waiting_incidents,
)
from server.storage.rows import struct_of
from server.storage.times import to_micros
from shared.event import Severity
from shared.incident import IncidentSummary, Trigger
from shared.pipe import Incident, IncidentEnded
from shared.structs import made_of

IncidentState = Literal["open", "acknowledged", "ended"]
"""To filter by: open includes acknowledged; acknowledged are those open ones."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Mildest first."""

RecordedChange = Literal[
    "opened",
    "escalated",
    "joined",
    "acknowledged",
    "reminded",
    "handed_on",
    "resolved",
    "silenced",
    "snoozed",
    "unsilenced",
    "suspect_reverted",
    "fix_live",
    "ended",
]

ENDED = 2
"""The last rank of a `Place`."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(IncidentSummary).decode


class StoredIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as it is; open while `ended_at` is None. `acknowledged_by` is a name."""

    opened_seq: int
    changed_seq: int
    ended_at: datetime | None
    end_reason: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    summary: IncidentSummary


class IncidentChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an incident's timeline; `seq` is 0 if no entry caused it."""

    seq: int
    change: RecordedChange
    at: datetime
    about: str


class IncidentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which incidents are wanted; None does not filter. `severity` is the least one."""

    state: IncidentState | None = None
    service: str | None = None
    environment: str | None = None
    trigger: Trigger | None = None
    severity: Severity | None = None
    search: Search | None = None


class Places(msgspec.Struct, frozen=True):
    """Names to choose from."""

    services: list[str]
    environments: list[str]


class Place(msgspec.Struct, frozen=True):
    """An incident's place in the lists, by need and by age.

    `rank` is 0 if nobody looks after it, 1 if somebody acknowledged it, and `ENDED`. `opened_seq`
    is the entry that opened it.
    """

    rank: int
    priority: int
    opened_seq: int
    incident_id: str


async def put(tx: AsyncConnection, incident: Incident) -> None:
    """Insert or update the row of this incident, and those of its symptoms; never by older news."""
    changing = {
        "changed_seq": incident.seq,
        "environment": incident.environment,
        "severity": incident.severity,
        "priority_score": incident.priority_score,
        "title": incident.title,
        "last_seen_at": to_micros(incident.last_seen),
        "summary": _encode(summary_of(incident)),
    }
    lasting = {
        "incident_id": incident.incident_id,
        "opened_seq": incident.seq,
        "service": incident.service,
        "trigger": incident.trigger,
        "started_at": to_micros(incident.start_time),
    }
    written = await tx.scalar(
        upsert(incidents)
        .values(**lasting, **changing)
        .on_conflict_do_update(
            index_elements=["incident_id"],
            set_=changing,
            where=incidents.c.changed_seq <= incident.seq,
        )
        .returning(incidents.c.incident_id)
    )
    if written is None:
        return
    await incident_search.put(tx, incident)
    await _put_deploys(tx, incident)
    await suspected_commits.add(
        tx, incident.incident_id, [each.commit_id for each in incident.suspected_causes]
    )
    for symptom in incident.top_symptoms:
        shown = {
            "exception_type": symptom.exception_type,
            "message": symptom.message,
            "count": symptom.count,
        }
        await tx.execute(
            upsert(symptoms)
            .values(incident_id=incident.incident_id, fingerprint=symptom.fingerprint, **shown)
            .on_conflict_do_update(index_elements=["incident_id", "fingerprint"], set_=shown)
        )


async def _put_deploys(tx: AsyncConnection, incident: Incident) -> None:
    """Store which deploys the incident suspects now."""
    suspected: dict[str, float] = {}
    for suspect in incident.suspected_causes:
        if suspect.deploy_id is not None:
            known = suspected.get(suspect.deploy_id, 0.0)
            suspected[suspect.deploy_id] = max(known, suspect.confidence)
    of_incident = incident_deploys.c.incident_id == incident.incident_id
    await tx.execute(delete(incident_deploys).where(of_incident))
    if suspected:
        await tx.execute(
            insert(incident_deploys),
            [
                {"incident_id": incident.incident_id, "deploy_id": each, "confidence": confidence}
                for each, confidence in suspected.items()
            ],
        )


async def end(tx: AsyncConnection, ended: IncidentEnded) -> StoredIncident | None:
    """End the incident and return it, or None if it was not open."""
    result = await tx.execute(
        update(incidents)
        .where(incidents.c.incident_id == ended.incident_id, incidents.c.ended_at.is_(None))
        .values(ended_at=to_micros(ended.time), end_reason=ended.reason)
    )
    return await get(tx, ended.incident_id) if result.rowcount == 1 else None


async def acknowledge(tx: AsyncConnection, incident_id: str, by: str, at: int) -> bool:
    """Acknowledge the incident; return whether it was open and unacknowledged.

    The first acknowledgement stays.
    """
    result = await tx.execute(
        update(incidents)
        .where(
            incidents.c.incident_id == incident_id,
            incidents.c.ended_at.is_(None),
            incidents.c.acknowledged_at.is_(None),
        )
        .values(acknowledged_at=at, acknowledged_by=by)
    )
    if result.rowcount == 0:
        return False
    await add_change(tx, incident_id, 0, "acknowledged", at, f"By {by}.")
    return True


async def newest_change(tx: AsyncConnection) -> int:
    """Return the id of the newest change of any incident, or 0."""
    return await tx.scalar(select(func.max(incident_changes.c.id))) or 0


async def add_change(
    tx: AsyncConnection, incident_id: str, seq: int, change: str, at: int, about: str
) -> None:
    """Add one line to the incident's timeline; `at` in microseconds."""
    await tx.execute(
        insert(incident_changes).values(
            incident_id=incident_id, seq=seq, change=change, at=at, about=about
        )
    )


async def newest(
    tx: AsyncConnection, wanted: IncidentFilter, limit: int, after: Place | None = None
) -> list[StoredIncident]:
    """Return incidents, newest first; with `after`, those that follow that place in the list."""
    return await _read_newest(tx, await _wanted(tx, wanted), limit, after)


async def by_need(
    tx: AsyncConnection, wanted: IncidentFilter, limit: int, after: Place | None = None
) -> list[StoredIncident]:
    """Return incidents, those first that need somebody; with `after`, those that follow.

    Open ones that nobody acknowledged come first, then other open ones, both by priority and then
    newest first. Ended ones come last, newest first.
    """
    found: list[StoredIncident] = []
    wanted_ids = await _wanted(tx, wanted)
    if wanted.state != "ended" and (after is None or after.rank != ENDED):
        # The engine keeps few open, so that all of these can be sorted.
        ids = wanted_ids.where(incidents.c.ended_at.is_(None))
        rank = case((incidents.c.acknowledged_at.is_(None), 0), else_=1)
        place = (rank, -incidents.c.priority_score, -incidents.c.opened_seq)
        if after is not None:
            follows = (after.rank, -after.priority, -after.opened_seq, after.incident_id)
            ids = ids.where(tuple_(*place, incidents.c.incident_id) > follows)
        found = await _read(tx, ids.order_by(*place, incidents.c.incident_id).limit(limit))
    if len(found) < limit and wanted.state in (None, "ended"):
        ids = wanted_ids.where(incidents.c.ended_at.is_not(None))
        older_than = after if after is not None and after.rank == ENDED else None
        found += await _read_newest(tx, ids, limit - len(found), older_than)
    return found


async def _wanted(tx: AsyncConnection, wanted: IncidentFilter) -> Select[tuple[str]]:
    """Return the query of the ids of these incidents.

    An index has all that it asks for and is sorted by, so that only the rows that are shown are
    read; rows are big.
    """
    ids = select(incidents.c.incident_id)
    match wanted.state:
        case "open":
            ids = ids.where(incidents.c.ended_at.is_(None))
        case "acknowledged":
            acknowledged = incidents.c.acknowledged_at.is_not(None)
            ids = ids.where(incidents.c.ended_at.is_(None), acknowledged)
        case "ended":
            ids = ids.where(incidents.c.ended_at.is_not(None))
    for column, value in (
        (incidents.c.service, wanted.service),
        (incidents.c.environment, wanted.environment),
        (incidents.c.trigger, wanted.trigger),
    ):
        if value is not None:
            ids = ids.where(column == value)
    if wanted.severity is not None and wanted.severity != SEVERITIES[0]:
        least = SEVERITIES.index(wanted.severity)
        ids = ids.where(incidents.c.severity.in_(SEVERITIES[least:]))
    if wanted.search is not None:
        ids = ids.where(await matching(tx, wanted.search))
    return ids


async def _read_newest(
    tx: AsyncConnection, ids: Select[tuple[str]], limit: int, older_than: Place | None
) -> list[StoredIncident]:
    if older_than is not None:
        age = tuple_(incidents.c.opened_seq, incidents.c.incident_id)
        ids = ids.where(age < (older_than.opened_seq, older_than.incident_id))
    order = (incidents.c.opened_seq.desc(), incidents.c.incident_id.desc())
    return await _read(tx, ids.order_by(*order).limit(limit))


async def _read(tx: AsyncConnection, ids: Select[tuple[str]]) -> list[StoredIncident]:
    """Return the incidents of these ids, in their order."""
    ordered = (await tx.scalars(ids)).all()
    rows = await tx.execute(select(incidents).where(incidents.c.incident_id.in_(ordered)))
    found = {row.incident_id: _stored(row) for row in rows}
    return [found[each] for each in ordered]


async def places(tx: AsyncConnection, limit: int) -> Places:
    """Return services and environments that had incidents, by name, at most `limit` of each."""
    return Places(
        await _names(tx, incidents.c.service, limit),
        await _names(tx, incidents.c.environment, limit),
    )


async def _names(tx: AsyncConnection, column: Column[str], limit: int) -> list[str]:
    # Go from each name to the next greater one by the index; DISTINCT would read every incident.
    names = select(func.min(column).label("name")).cte("names", recursive=True)
    greater = select(func.min(column)).where(column > names.c.name).scalar_subquery()
    names = names.union_all(select(greater).where(names.c.name.is_not(None)))
    found = await tx.scalars(select(names.c.name).where(names.c.name.is_not(None)).limit(limit))
    return list(found)


async def exists(tx: AsyncConnection, incident_id: str) -> bool:
    """Return whether there is an incident of this id."""
    query = select(incidents.c.incident_id).where(incidents.c.incident_id == incident_id)
    return (await tx.scalar(query)) is not None


async def get(tx: AsyncConnection, incident_id: str) -> StoredIncident | None:
    """Return the incident of this id, or None."""
    row = (
        await tx.execute(select(incidents).where(incidents.c.incident_id == incident_id))
    ).first()
    return None if row is None else _stored(row)


async def changes(tx: AsyncConnection, incident_id: str, limit: int) -> list[IncidentChange]:
    """Return what happened to this incident, the newest `limit` of it, oldest first."""
    rows = await tx.execute(
        select(incident_changes)
        .where(incident_changes.c.incident_id == incident_id)
        .order_by(incident_changes.c.id.desc())
        .limit(limit)
    )
    return [struct_of(row, IncidentChange) for row in rows][::-1]


def old(before: int, watermark: int) -> Select[tuple[str]]:
    """Return the query of the incidents that ended before `before`, the oldest first.

    The engine may repeat news when it is restored from `watermark`, so that the incident must still
    be there to be found.
    """
    return (
        select(incidents.c.incident_id)
        .where(incidents.c.ended_at < before, incidents.c.changed_seq <= watermark)
        .order_by(incidents.c.ended_at)
    )


async def remove_old(tx: AsyncConnection, before: int, watermark: int, limit: int) -> int:
    """Remove the first `limit` incidents of `old`, with what belongs to them; return how many."""
    going = list(await tx.scalars(old(before, watermark).limit(limit)))
    if not going:
        return 0
    await tx.execute(
        update(noise_filters)
        .where(noise_filters.c.last_incident_id.in_(going))
        .values(last_incident_id=None)
    )
    for table in (
        notifications,
        not_told,
        symptoms,
        joined_issues,
        waiting_incidents,
        incident_changes,
        incident_hours,
        incident_users,
        incidents,
    ):
        await tx.execute(delete(table).where(table.c.incident_id.in_(going)))
    return len(going)


def place_of(incident: StoredIncident) -> Place:
    """Return where the incident is in the lists."""
    rank = ENDED if incident.ended_at else int(incident.acknowledged_at is not None)
    summary = incident.summary
    return Place(rank, summary.priority_score, incident.opened_seq, summary.incident_id)


def summary_of(incident: Incident) -> IncidentSummary:
    """Return the incident as it is, without what changed in it."""
    return made_of(incident, IncidentSummary)


def _stored(row: Row[tuple[object, ...]]) -> StoredIncident:
    return struct_of(row, StoredIncident, summary=_decode(row._mapping["summary"]))
