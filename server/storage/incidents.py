"""The tables incidents, incident_changes and symptoms: written by the recorder, read by pages."""

import msgspec
from sqlalchemy import insert, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.tables import incident_changes, incidents, symptoms
from server.storage.times import to_micros
from shared.incident import IncidentSummary
from shared.pipe import Incident, IncidentEnded

_encode = msgspec.json.Encoder().encode


async def put(tx: AsyncConnection, incident: Incident) -> None:
    """Make or renew the row of this incident, and those of its symptoms."""
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
    await tx.execute(
        upsert(incidents)
        .values(**lasting, **changing)
        .on_conflict_do_update(index_elements=["incident_id"], set_=changing)
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


def _summary(incident: Incident) -> IncidentSummary:
    return IncidentSummary(
        **{name: getattr(incident, name) for name in IncidentSummary.__struct_fields__}
    )
