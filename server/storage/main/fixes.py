"""The table fixes: which deploys took back the cause of an incident, or brought its fix."""

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import fixes

FixChange = Literal["suspect_reverted", "fix_live"]
"""What people are told of it."""


class NamedCommit(msgspec.Struct, frozen=True, omit_defaults=True):
    """A commit as people are told of it; `subject` is the first line of its message."""

    commit_id: str
    subject: str = ""
    author: str | None = None
    url: str | None = None


class Fix(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a deploy did about an incident.

    It took back the commit `suspect`: by its commit `reverted_by` or, if that is None, because the
    deploy went back to what ran before. Without a `suspect`, it brought the `release` that has the
    fix of `issues` of the incident, which has `of_issues`.
    """

    deploy_id: str
    deploy_time: datetime
    release: str | None = None
    suspect: NamedCommit | None = None
    reverted_by: NamedCommit | None = None
    issues: int = 0
    of_issues: int = 0


async def add(
    tx: AsyncConnection, incident_id: str, deploy_id: str, change: FixChange, cause: str
) -> bool:
    """Note it and return whether it is new.

    It is not if this deploy did so already, or `cause` did in another.
    """
    added = await tx.scalar(
        insert(fixes)
        .on_conflict_do_nothing()
        .values(incident_id=incident_id, deploy_id=deploy_id, change=change, cause=cause)
        .returning(fixes.c.incident_id)
    )
    return added is not None
