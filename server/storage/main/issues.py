"""What is stored of an issue: the engine's state of it, and the incidents that it was in."""

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import engine_states, incidents, symptoms
from server.storage.rows import struct_of
from shared.event import Severity
from shared.incident import Trigger
from shared.issue import IssueState

_decode = msgspec.json.Decoder(IssueState).decode


class IncidentOfIssue(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that an issue was part of.

    `exception_type`, `message` and `count` are those of the issue in it; `title` and the rest are
    the incident's.
    """

    incident_id: str
    title: str
    service: str
    environment: str
    trigger: Trigger
    severity: Severity
    started_at: datetime
    ended_at: datetime | None
    exception_type: str
    message: str
    count: int


async def state_of(tx: AsyncConnection, fingerprint: str) -> IssueState | None:
    """Return the engine's state of this issue as of its last checkpoint.

    None if the engine has never seen the issue or has forgotten it, or is not ours.
    """
    value: bytes | None = await tx.scalar(
        select(engine_states.c.value).where(engine_states.c.key == f"issue:{fingerprint}")
    )
    if value is None:
        return None
    try:
        return _decode(value)
    except msgspec.DecodeError:
        return None


async def incidents_of(tx: AsyncConnection, fingerprint: str, limit: int) -> list[IncidentOfIssue]:
    """Return the incidents of this issue, newest first.

    An incident of very many issues does not name all of them.
    """
    rows = await tx.execute(
        select(
            *(incidents.c[name] for name in _OF_INCIDENT),
            symptoms.c.exception_type,
            symptoms.c.message,
            symptoms.c.count,
        )
        .join(incidents, incidents.c.incident_id == symptoms.c.incident_id)
        .where(symptoms.c.fingerprint == fingerprint)
        .order_by(incidents.c.opened_seq.desc())
        .limit(limit)
    )
    return [struct_of(row, IncidentOfIssue) for row in rows]


_OF_INCIDENT = (
    "incident_id",
    "title",
    "service",
    "environment",
    "trigger",
    "severity",
    "started_at",
    "ended_at",
)
