"""The table deploys: every deploy with all its commits, and what became of it."""

from datetime import datetime

import msgspec
from sqlalchemy import Row, Select, delete, exists, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import deploys
from server.storage.rows import struct_of
from server.storage.times import from_micros, to_micros
from shared.deploy import deploy_identity, renewed
from shared.event import ChangeWindow, Commit
from shared.incident import Verdict
from shared.pipe import DeployVerdict

_encode = msgspec.json.Encoder().encode
_decode_commits = msgspec.json.Decoder(list[Commit]).decode
_decode_reasons = msgspec.json.Decoder(list[str]).decode

_JUDGED = (
    "verdict",
    "verdict_reasons",
    "events_before",
    "minutes_before",
    "events_after",
    "minutes_after",
)
"""The columns that a verdict fills."""


class StoredDeploy(msgspec.Struct, frozen=True, kw_only=True):
    """A deploy of a service; `verdict` is None until the engine has judged it.

    `repository`, `base`, `cut`, `pending` and `ran_since` are those of `ChangeWindow`. The commits
    are oldest first.
    """

    id: int
    service: str
    environment: str
    deploy_id: str
    deployed_at: datetime
    release: str | None
    commits: list[Commit]
    cut: int
    repository: str | None
    base: str | None
    deployed_by: str | None
    pending: bool
    ran_since: datetime | None
    verdict: Verdict | None
    verdict_reasons: list[str]


class DeployPlace(msgspec.Struct, frozen=True):
    """The place of a deploy in the list, newest first; `deployed_at` is in microseconds."""

    deployed_at: int
    id: int


class DeployMark(msgspec.Struct, frozen=True):
    """A deploy without its commits."""

    at: datetime
    deploy_id: str
    release: str | None


async def store(tx: AsyncConnection, service: str, environment: str, window: ChangeWindow) -> None:
    """Create or renew the deploy that `window` announces.

    A deploy that is announced again under its `deploy_id` is the same deploy (`renewed`). A commit
    keeps what was found out about it. A verdict on another time is dropped.
    """
    known = await announced(tx, service, environment, window)
    if known is None:
        await tx.execute(
            insert(deploys).values(
                service=service,
                environment=environment,
                deploy_id=deploy_identity(window),
                deployed_at=to_micros(window.deploy_time),
                release=window.release,
                commits=_encode(window.commits),
                cut=window.cut,
                repository=window.repository,
                base=window.base,
                deployed_by=window.deployed_by,
                pending=window.pending,
            )
        )
        return
    new = renewed(window_of(known), window, is_newest=await after(tx, known) is None)
    changes: dict[str, object] = {
        "deployed_at": to_micros(new.deploy_time),
        "pending": new.pending,
        "ran_since": new.ran_since and to_micros(new.ran_since),
        "release": new.release,
        "repository": new.repository,
        "base": new.base,
        "deployed_by": new.deployed_by,
        "commits": _encode(new.commits),
        "cut": new.cut,
    }
    if [commit.id for commit in new.commits] != [commit.id for commit in known.commits]:
        changes["looked_up_at"] = None
    if known.deployed_at != new.deploy_time:
        changes |= dict.fromkeys(_JUDGED)
    await tx.execute(update(deploys).where(deploys.c.id == known.id).values(**changes))


async def announced(
    tx: AsyncConnection, service: str, environment: str, window: ChangeWindow
) -> StoredDeploy | None:
    """Return the deploy that `window` announced, with all that is known of it, or None."""
    row = (
        await tx.execute(
            select(deploys).where(
                deploys.c.service == service,
                deploys.c.environment == environment,
                deploys.c.deploy_id == deploy_identity(window),
            )
        )
    ).first()
    return None if row is None else _stored(row)


async def set_verdict(tx: AsyncConnection, verdict: DeployVerdict) -> bool:
    """Set the verdict and return whether the deploy exists.

    A deploy that has moved in time is no longer the one that was judged. An engine that does not
    say which deploy it means, means the only one of that time; if there are several, it is not
    certain, and none is set.
    """
    judged = (
        deploys.c.service == verdict.service,
        deploys.c.environment == verdict.environment,
        deploys.c.deployed_at == to_micros(verdict.deploy_time),
    )
    which = deploys.c.deploy_id == verdict.deploy_id
    if verdict.deploy_id is None:
        which = select(func.count()).select_from(deploys).where(*judged).scalar_subquery() == 1
    result = await tx.execute(
        update(deploys)
        .where(*judged, which)
        .values(
            verdict=verdict.verdict,
            verdict_reasons=_encode(verdict.reasons),
            events_before=verdict.before and verdict.before.events,
            minutes_before=verdict.before and verdict.before.minutes,
            events_after=verdict.after and verdict.after.events,
            minutes_after=verdict.after and verdict.after.minutes,
        )
    )
    return result.rowcount > 0


async def recent(
    tx: AsyncConnection,
    limit: int,
    *,
    service: str | None = None,
    environment: str | None = None,
    until: datetime | None = None,
    after: DeployPlace | None = None,
) -> list[StoredDeploy]:
    """Return deploys, newest first; with `after`, those that follow that place in the list.

    With `until`, leave out those that were deployed later.
    """
    query = select(deploys)
    if service is not None:
        query = query.where(deploys.c.service == service)
    if environment is not None:
        query = query.where(deploys.c.environment == environment)
    if until is not None:
        query = query.where(deploys.c.deployed_at <= to_micros(until))
    if after is not None:
        query = query.where(
            tuple_(deploys.c.deployed_at, deploys.c.id) < (after.deployed_at, after.id)
        )
    rows = await tx.execute(
        query.order_by(deploys.c.deployed_at.desc(), deploys.c.id.desc()).limit(limit)
    )
    return [_stored(row) for row in rows]


async def marks(
    tx: AsyncConnection,
    service: str,
    environment: str,
    *,
    since: datetime,
    until: datetime,
    limit: int,
) -> list[DeployMark]:
    """Return the newest `limit` deploys between `since` and `until`, oldest first."""
    rows = await tx.execute(
        select(deploys.c.deployed_at, deploys.c.deploy_id, deploys.c.release)
        .where(
            deploys.c.service == service,
            deploys.c.environment == environment,
            deploys.c.deployed_at >= to_micros(since),
            deploys.c.deployed_at <= to_micros(until),
        )
        .order_by(deploys.c.deployed_at.desc(), deploys.c.id.desc())
        .limit(limit)
    )
    newest = [DeployMark(from_micros(row.deployed_at), row.deploy_id, row.release) for row in rows]
    return newest[::-1]


async def get(tx: AsyncConnection, row_id: int) -> StoredDeploy | None:
    """Return the deploy of this id, or None."""
    row = (await tx.execute(select(deploys).where(deploys.c.id == row_id))).first()
    return None if row is None else _stored(row)


async def before(tx: AsyncConnection, deploy: StoredDeploy) -> StoredDeploy | None:
    """Return the deploy that ran in the same place until this one, as far as it is known."""
    row = (
        await tx.execute(
            select(deploys)
            .where(
                deploys.c.service == deploy.service,
                deploys.c.environment == deploy.environment,
                deploys.c.deployed_at < to_micros(deploy.deployed_at),
                deploys.c.id != deploy.id,
            )
            .order_by(deploys.c.deployed_at.desc())
            .limit(1)
        )
    ).first()
    return None if row is None else _stored(row)


async def after(tx: AsyncConnection, deploy: StoredDeploy) -> int | None:
    """Return the id of a deploy in the same place that is newer than this one, if there is any."""
    newer: int | None = await tx.scalar(
        select(deploys.c.id)
        .where(
            deploys.c.service == deploy.service,
            deploys.c.environment == deploy.environment,
            deploys.c.deployed_at > to_micros(deploy.deployed_at),
        )
        .limit(1)
    )
    return newer


async def of_repository(tx: AsyncConnection, repository: str, limit: int) -> list[StoredDeploy]:
    """Return the newest deploys of all services of this repository, anywhere; newest first."""
    rows = await tx.execute(
        select(deploys)
        .where(deploys.c.repository == repository)
        .order_by(deploys.c.deployed_at.desc(), deploys.c.id.desc())
        .limit(limit)
    )
    return [_stored(row) for row in rows]


async def to_look_up(tx: AsyncConnection, since: datetime, limit: int) -> list[StoredDeploy]:
    """Return deploys after `since` about which the repository can tell more, newest first."""
    rows = await tx.execute(
        select(deploys)
        .where(
            deploys.c.looked_up_at.is_(None),
            deploys.c.deployed_at > to_micros(since),
            deploys.c.repository.is_not(None),
        )
        .order_by(deploys.c.deployed_at.desc())
        .limit(limit)
    )
    return [_stored(row) for row in rows]


async def set_looked_up(tx: AsyncConnection, deploy: StoredDeploy, at: datetime) -> None:
    """Record that everything that can be known of this deploy is known.

    Does nothing if its commits have changed.
    """
    await tx.execute(
        update(deploys)
        .where(deploys.c.id == deploy.id, deploys.c.commits == _encode(deploy.commits))
        .values(looked_up_at=to_micros(at))
    )


def old(before: int) -> Select[tuple[int]]:
    """Return the query of the deploys older than `before` (microseconds), the oldest first.

    The last deploy of a place is never old, because it is what runs there.
    """
    later = deploys.alias()
    return (
        select(deploys.c.id)
        .where(
            deploys.c.deployed_at < before,
            exists().where(
                later.c.service == deploys.c.service,
                later.c.environment == deploys.c.environment,
                later.c.deployed_at > deploys.c.deployed_at,
            ),
        )
        .order_by(deploys.c.deployed_at)
    )


async def remove_old(tx: AsyncConnection, before: int, limit: int) -> int:
    """Remove the first `limit` deploys of `old`; return how many there were."""
    going = old(before).limit(limit)
    return (await tx.execute(delete(deploys).where(deploys.c.id.in_(going)))).rowcount


def place_of(deploy: StoredDeploy) -> DeployPlace:
    """Return where the deploy stands in the list."""
    return DeployPlace(to_micros(deploy.deployed_at), deploy.id)


def window_of(deploy: StoredDeploy) -> ChangeWindow:
    """Return the deploy as it was announced, with all that was found out since."""
    return ChangeWindow(
        deploy_time=deploy.deployed_at,
        commits=deploy.commits,
        deploy_id=deploy.deploy_id,
        release=deploy.release,
        cut=deploy.cut,
        repository=deploy.repository,
        base=deploy.base,
        deployed_by=deploy.deployed_by,
        pending=deploy.pending,
        ran_since=deploy.ran_since,
    )


def _stored(row: Row[tuple[object, ...]]) -> StoredDeploy:
    found = row._mapping
    reasons = found["verdict_reasons"]
    return struct_of(
        row,
        StoredDeploy,
        commits=_decode_commits(found["commits"]),
        verdict_reasons=_decode_reasons(reasons) if reasons is not None else [],
    )
