"""The tables suspect_answers and answered_errors: what people say about suspect commits.

Both outlive their incidents.
"""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert as upsert
from server.storage.main.tables import answered_errors, suspect_answers
from server.storage.rows import struct_of
from server.storage.times import to_micros


class SuspectAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody (`by` is a name) said whether this commit is the cause of its incident."""

    commit_id: str
    by: str
    is_right: bool
    at: datetime


class AnsweredIncident(msgspec.Struct, frozen=True, kw_only=True):
    """All answers about one incident, oldest first.

    `error` is the JSON of its error, or None if it is about none.
    """

    incident_id: str
    answers: list[SuspectAnswer]
    error: bytes | None


async def put(tx: AsyncConnection, incident_id: str, answer: SuspectAnswer) -> bool:
    """Store the answer instead of an earlier one of the same person; return whether it is news.

    The same answer again changes nothing.
    """
    said = {"is_right": answer.is_right, "at": to_micros(answer.at)}
    written = await tx.scalar(
        upsert(suspect_answers)
        .values(incident_id=incident_id, commit_id=answer.commit_id, by=answer.by, **said)
        .on_conflict_do_update(
            index_elements=["incident_id", "commit_id", "by"],
            set_=said,
            where=suspect_answers.c.is_right != answer.is_right,
        )
        .returning(suspect_answers.c.incident_id)
    )
    return written is not None


async def put_error(tx: AsyncConnection, incident_id: str, error: bytes) -> None:
    """Store the error of an answered incident, instead of what was known of it before."""
    await tx.execute(
        upsert(answered_errors)
        .values(incident_id=incident_id, error=error)
        .on_conflict_do_update(index_elements=["incident_id"], set_={"error": error})
    )


async def of_incident(tx: AsyncConnection, incident_id: str) -> list[SuspectAnswer]:
    """Return the answers about the suspects of this incident, in the order of the first of each."""
    rows = await tx.execute(
        select(suspect_answers)
        .where(suspect_answers.c.incident_id == incident_id)
        .order_by(suspect_answers.c.id)
    )
    return [struct_of(row, SuspectAnswer) for row in rows]


async def all_answered(tx: AsyncConnection) -> AsyncIterator[AnsweredIncident]:
    """Yield every incident that somebody answered about, by id."""
    after = ""
    query = select(suspect_answers.c.incident_id).order_by(suspect_answers.c.incident_id).limit(1)
    while True:
        incident_id = await tx.scalar(query.where(suspect_answers.c.incident_id > after))
        if incident_id is None:
            return
        error = await tx.scalar(
            select(answered_errors.c.error).where(answered_errors.c.incident_id == incident_id)
        )
        yield AnsweredIncident(
            incident_id=incident_id, answers=await of_incident(tx, incident_id), error=error
        )
        after = incident_id
