"""The table suspected_commits: which commits an incident suspects, or did at some time."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import incidents, suspected_commits


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


async def in_place(
    tx: AsyncConnection, service: str, environment: str, *, opened_before: int, ended_after: int
) -> dict[str, list[str]]:
    """Return what the incidents of a service and environment suspect, or did, by incident.

    Only those count that the entries before the one at `opened_before` opened, and that are open or
    ended after `ended_after` (microseconds).
    """
    rows = await tx.execute(
        select(suspected_commits.c.incident_id, suspected_commits.c.commit_id)
        .join(incidents, incidents.c.incident_id == suspected_commits.c.incident_id)
        .where(
            incidents.c.service == service,
            incidents.c.environment == environment,
            incidents.c.opened_seq < opened_before,
            or_(incidents.c.ended_at.is_(None), incidents.c.ended_at > ended_after),
        )
        .order_by(incidents.c.opened_seq, suspected_commits.c.incident_id)
    )
    found: dict[str, list[str]] = {}
    for incident_id, commit_id in rows:
        found.setdefault(incident_id, []).append(commit_id)
    return found
