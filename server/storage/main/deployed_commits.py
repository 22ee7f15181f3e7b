"""Find commits among those that the table deploys has."""

from collections.abc import Collection

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.deploys import StoredDeploy, after
from server.storage.main.tables import deploys
from server.storage.times import to_micros
from shared.event import Commit

_decode_commits = msgspec.json.Decoder(list[Commit]).decode


class CommitMessage(msgspec.Struct, frozen=True):
    """A commit without all but its message."""

    id: str
    message: str = ""


_decode_messages = msgspec.json.Decoder(list[CommitMessage]).decode


async def find_commit(
    tx: AsyncConnection, service: str, environment: str, deploy_id: str, commit_id: str
) -> Commit | None:
    """Return a commit of a deploy, or None if it is not known."""
    found = await tx.scalar(
        select(deploys.c.commits).where(
            deploys.c.service == service,
            deploys.c.environment == environment,
            deploys.c.deploy_id == deploy_id,
        )
    )
    commits = [] if found is None else _decode_commits(found)
    return next((each for each in commits if each.id == commit_id), None)


async def commit_messages(
    tx: AsyncConnection, service: str, environment: str, commit_ids: Collection[str], limit: int
) -> dict[str, str]:
    """Return the messages of these commits, as far as the newest `limit` deploys have them."""
    rows = await tx.scalars(
        select(deploys.c.commits)
        .where(deploys.c.service == service, deploys.c.environment == environment)
        .order_by(deploys.c.deployed_at.desc(), deploys.c.id.desc())
        .limit(limit)
    )
    return {
        commit.id: commit.message
        for commits in rows
        for commit in _decode_messages(commits)
        if commit.id in commit_ids
    }


async def taken_away(tx: AsyncConnection, deploy: StoredDeploy, limit: int) -> set[str]:
    """Return the commits behind which this deploy went back: those of what first ran after it.

    Only the newest `limit` deploys there count. If something else was deployed since, return none.
    """
    if deploy.ran_since is None or await after(tx, deploy) is not None:
        return set()
    began = func.coalesce(deploys.c.ran_since, deploys.c.deployed_at)
    rows = await tx.scalars(
        select(deploys.c.commits)
        .where(
            deploys.c.service == deploy.service,
            deploys.c.environment == deploy.environment,
            deploys.c.deployed_at > to_micros(deploy.ran_since),
            began > to_micros(deploy.ran_since),
            deploys.c.id != deploy.id,
        )
        .order_by(deploys.c.deployed_at.desc(), deploys.c.id.desc())
        .limit(limit)
    )
    later = {commit.id for commits in rows for commit in _decode_messages(commits)}
    return later.difference(commit.id for commit in deploy.commits)
