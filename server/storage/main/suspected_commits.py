"""The table suspected_commits: which commits an incident suspects, or did at some time."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import suspected_commits


async def add(tx: AsyncConnection, incident_id: str, commit_ids: Sequence[str]) -> None:
    """Note that the incident suspects these commits; those that it suspected before stay."""
    if commit_ids:
        await tx.execute(
            insert(suspected_commits).on_conflict_do_nothing(),
            [{"incident_id": incident_id, "commit_id": each} for each in commit_ids],
        )


async def has(tx: AsyncConnection, incident_id: str, commit_id: str) -> bool:
    """Return whether the incident suspects this commit, or did at some time."""
    query = select(suspected_commits.c.commit_id).where(
        suspected_commits.c.incident_id == incident_id,
        suspected_commits.c.commit_id == commit_id,
    )
    return await tx.scalar(query) is not None
