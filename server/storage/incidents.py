"""The tables incidents, incident_changes and symptoms: written by the recorder, read by pages."""

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Row, func, insert, select, tuple_, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.tables import incident_changes, incidents, symptoms
from server.storage.times import from_micros, to_micros
from shared.event import Severity
from shared.incident import IncidentSummary, Trigger
from shared.pipe import Incident, IncidentEnded

IncidentState = Literal["open", "ended"]
RecordedChange = Literal["opened", "escalated", "joined", "resolved", "silenced", "ended"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(IncidentSummary).decode


class StoredIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as it stands; open while `ended_at` is none."""

    opened_seq: int
    changed_seq: int
    ended_at: datetime | None
    end_reason: str | None
    summary: IncidentSummary


class IncidentChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an incident's timeline; `seq` is 0 where no entry caused it."""

    seq: int
    change: RecordedChange
    at: datetime
    about: str


class IncidentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which incidents are asked for; what is none is not asked."""

    state: IncidentState | None = None
    service: str | None = None
    environment: str | None = None
    trigger: Trigger | None = None
    severity: Severity | None = None


class Place(msgspec.Struct, frozen=True):
    """Where an incident stands in the list, newest first; `started_at` in microseconds."""

    started_at: int
    incident_id: str


async def put(tx: AsyncConnection, incident: Incident) -> None:
    """Make or renew the row of this incident, and those of its symptoms; never by older news."""
    changing = {
        "changed_seq": incident.seq,
        "severity": incident.severity,
        "priority_score": incident.priority_score,
        "title": incident.title,
        "last_seen_at": to_micros(incident.last_seen),
        "summary": _encode(_summary(incident)),
    }
    lasting = {
        "incident_id": incident.incident_id,
        "opened_seq": incident.seq,
        "service": incident.service,
        "environment": incident.environment,
        "trigger": incident.trigger,
        "started_at": to_micros(incident.start_time),
    }
    result = await tx.execute(
        upsert(incidents)
        .values(**lasting, **changing)
        .on_conflict_do_update(
            index_elements=["incident_id"],
            set_=changing,
            where=incidents.c.changed_seq <= incident.seq,
        )
    )
    if result.rowcount == 0:
        return
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


async def end(tx: AsyncConnection, ended: IncidentEnded) -> bool:
    """Whether the incident was open, and is ended now."""
    result = await tx.execute(
        update(incidents)
        .where(incidents.c.incident_id == ended.incident_id, incidents.c.ended_at.is_(None))
        .values(ended_at=to_micros(ended.time), end_reason=ended.reason)
    )
    return result.rowcount == 1


async def add_change(
    tx: AsyncConnection, incident_id: str, seq: int, change: str, at: int, about: str
) -> None:
    """One line of the incident's timeline; `at` in microseconds."""
    await tx.execute(
        insert(incident_changes).values(
            incident_id=incident_id, seq=seq, change=change, at=at, about=about
        )
    )


async def newest(
    tx: AsyncConnection, wanted: IncidentFilter, limit: int, after: Place | None = None
) -> list[StoredIncident]:
    """Incidents, the newest first; with `after` those that follow that place in the list."""
    query = select(incidents)
    match wanted.state:
        case "open":
            query = query.where(incidents.c.ended_at.is_(None))
        case "ended":
            query = query.where(incidents.c.ended_at.is_not(None))
    for column, value in (
        (incidents.c.service, wanted.service),
        (incidents.c.environment, wanted.environment),
        (incidents.c.trigger, wanted.trigger),
        (incidents.c.severity, wanted.severity),
    ):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        place = tuple_(incidents.c.started_at, incidents.c.incident_id)
        query = query.where(place < (after.started_at, after.incident_id))
    rows = await tx.execute(
        query.order_by(incidents.c.started_at.desc(), incidents.c.incident_id.desc()).limit(limit)
    )
    return [_stored(row) for row in rows]


async def get(tx: AsyncConnection, incident_id: str) -> StoredIncident | None:
    """The incident of this id, if there is one."""
    row = (
        await tx.execute(select(incidents).where(incidents.c.incident_id == incident_id))
    ).first()
    return None if row is None else _stored(row)


async def count_open(tx: AsyncConnection) -> int:
    """How many incidents have not ended."""
    return (
        await tx.scalar(
            select(func.count()).select_from(incidents).where(incidents.c.ended_at.is_(None))
        )
        or 0
    )


async def changes(tx: AsyncConnection, incident_id: str, limit: int) -> list[IncidentChange]:
    """What happened to this incident, the newest `limit` of it, oldest first."""
    rows = await tx.execute(
        select(incident_changes)
        .where(incident_changes.c.incident_id == incident_id)
        .order_by(incident_changes.c.id.desc())
        .limit(limit)
    )
    return [_change(row) for row in rows][::-1]


def place_of(incident: StoredIncident) -> Place:
    """Where it stands in the list."""
    return Place(to_micros(incident.summary.start_time), incident.summary.incident_id)


def _stored(row: Row[tuple[object, ...]]) -> StoredIncident:
    values = row._asdict()
    return StoredIncident(
        opened_seq=values["opened_seq"],
        changed_seq=values["changed_seq"],
        ended_at=None if values["ended_at"] is None else from_micros(values["ended_at"]),
        end_reason=values["end_reason"],
        summary=_decode(values["summary"]),
    )


def _change(row: Row[tuple[object, ...]]) -> IncidentChange:
    values = row._asdict()
    return IncidentChange(
        seq=values["seq"],
        change=msgspec.convert(values["change"], RecordedChange),
        at=from_micros(values["at"]),
        about=values["about"],
    )


def _summary(incident: Incident) -> IncidentSummary:
    return IncidentSummary(
        **{name: getattr(incident, name) for name in IncidentSummary.__struct_fields__}
    )
