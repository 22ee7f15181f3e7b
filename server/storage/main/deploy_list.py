"""The list of deploys for people: what each did, what ran before it, and who suspects it."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.deploys import DeployPlace
from server.storage.main.tables import deploys, incident_deploys, incidents
from server.storage.rows import struct_of
from server.storage.times import from_micros, to_micros
from shared.deploy import WATCH_S
from shared.event import Commit, Severity
from shared.incident import ErrorRate, Trigger, Verdict
from shared.structs import made_of

Standing = Verdict | Literal["watching"]
"""The verdict, or a value that says that there is none yet."""

BEGAN = 50
"""How many incidents that began after a deploy are named."""

TAKEN_AWAY = 100
"""How many commits are named that a deploy went back behind."""

SUSPICIONS = 5
"""How many incidents are named beside a deploy; the others are only counted."""


class DeployFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which deploys to list. A field that is None does not filter."""

    service: str | None = None
    environment: str | None = None
    verdict: Standing | None = None


class CommitHead(msgspec.Struct, frozen=True):
    """A commit without its files."""

    id: str
    author: str | None = None
    message: str = ""
    url: str | None = None


class Suspicion(msgspec.Struct, frozen=True):
    """An incident that suspects a deploy, with this `confidence` (0-1)."""

    incident_id: str
    title: str
    ended_at: datetime | None
    confidence: float


class ListedDeploy(msgspec.Struct, kw_only=True):
    """A deploy in the list; `newest` is the last of its `commits`.

    `previous` is the deploy that ran in the same place until then, if it is of the same repository.
    `ran_since` is when it first ran, if it goes back to what ran before that.
    `suspicions` are the surest ones; `suspected_by` says how many there are in all.
    """

    id: int
    service: str
    environment: str
    deploy_id: str
    deployed_at: datetime
    release: str | None
    repository: str | None
    base: str | None
    previous: str | None
    deployed_by: str | None
    ran_since: datetime | None
    newest: CommitHead | None
    commits: int
    verdict: Standing
    verdict_reasons: list[str]
    before: ErrorRate | None
    after: ErrorRate | None
    suspicions: list[Suspicion]
    suspected_by: int = 0


class Began(msgspec.Struct, frozen=True):
    """An incident that began after a deploy, at `started_at`."""

    incident_id: str
    title: str
    severity: Severity
    trigger: Trigger
    started_at: datetime
    ended_at: datetime | None


class WholeDeploy(ListedDeploy, kw_only=True):
    """A deploy with its commits, newest first.

    `cut` counts commits and files that were left out. `began` are the incidents of its place that
    began while it was watched, first those that began first. `taken_away` are the newest commits
    that it went back behind.
    """

    whole: list[Commit]
    cut: int
    began: list[Began]
    taken_away: list[CommitHead]


_decode_commits = msgspec.json.Decoder(list[CommitHead]).decode
_decode_whole = msgspec.json.Decoder(list[Commit]).decode
_decode_reasons = msgspec.json.Decoder(list[str]).decode


async def newest(
    tx: AsyncConnection, wanted: DeployFilter, limit: int, after: DeployPlace | None = None
) -> list[ListedDeploy]:
    """Return deploys, newest first; with `after`, those that follow that place in the list."""
    ids = select(deploys.c.id)
    if wanted.service is not None:
        ids = ids.where(deploys.c.service == wanted.service)
    if wanted.environment is not None:
        ids = ids.where(deploys.c.environment == wanted.environment)
    if wanted.verdict is not None:
        verdict = None if wanted.verdict == "watching" else wanted.verdict
        ids = ids.where(deploys.c.verdict.is_not_distinct_from(verdict))
    if after is not None:
        place = tuple_(deploys.c.deployed_at, deploys.c.id)
        ids = ids.where(place < (after.deployed_at, after.id))
    ids = ids.order_by(deploys.c.deployed_at.desc(), deploys.c.id.desc()).limit(limit)
    found = [_listed(row) for row in await tx.execute(_with_previous(ids))]
    await _add_suspicions(tx, found)
    return found


async def get(tx: AsyncConnection, deploy_id: int) -> WholeDeploy | None:
    """Return the deploy of this id in the table, or None."""
    one = select(deploys.c.id).where(deploys.c.id == deploy_id)
    row = (await tx.execute(_with_previous(one))).first()
    if row is None:
        return None
    listed = _listed(row)
    await _add_suspicions(tx, [listed])
    commits = _decode_whole(row.commits)[::-1]
    return made_of(
        listed,
        WholeDeploy,
        whole=commits,
        cut=row.cut,
        began=await _began(tx, listed),
        taken_away=await _taken_away(tx, listed),
    )


async def _taken_away(tx: AsyncConnection, deploy: ListedDeploy) -> list[CommitHead]:
    if deploy.ran_since is None:
        return []
    rows = await tx.scalars(
        select(deploys.c.commits)
        .where(
            deploys.c.service == deploy.service,
            deploys.c.environment == deploy.environment,
            func.coalesce(deploys.c.ran_since, deploys.c.deployed_at) > to_micros(deploy.ran_since),
            deploys.c.deployed_at < to_micros(deploy.deployed_at),
        )
        .order_by(deploys.c.deployed_at.desc(), deploys.c.id.desc())
        .limit(TAKEN_AWAY)
    )
    newest_first = (commit for row in rows for commit in reversed(_decode_commits(row)))
    return list(islice({commit.id: commit for commit in newest_first}.values(), TAKEN_AWAY))


async def _began(tx: AsyncConnection, deploy: ListedDeploy) -> list[Began]:
    at = to_micros(deploy.deployed_at)
    rows = await tx.execute(
        select(*(incidents.c[name] for name in Began.__struct_fields__))
        .where(
            incidents.c.service == deploy.service,
            incidents.c.environment == deploy.environment,
            incidents.c.started_at.between(at, at + round(WATCH_S * 1e6)),
            incidents.c.trigger != "deploy",
        )
        .order_by(incidents.c.started_at, incidents.c.incident_id)
        .limit(BEGAN)
    )
    return [struct_of(row, Began) for row in rows]


def _with_previous(ids: Select[tuple[int]]) -> Select[tuple[Any, ...]]:
    """Return the query of these deploys, newest first, each with the one that ran before it."""
    earlier, previous = deploys.alias("earlier"), deploys.alias("previous")
    previous_id = (
        select(earlier.c.id)
        .where(
            earlier.c.service == deploys.c.service,
            earlier.c.environment == deploys.c.environment,
            earlier.c.deployed_at < deploys.c.deployed_at,
        )
        .order_by(earlier.c.deployed_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            deploys,
            previous.c.deploy_id.label("previous"),
            previous.c.repository.label("previous_repository"),
        )
        .select_from(deploys.outerjoin(previous, previous.c.id == previous_id))
        .where(deploys.c.id.in_(ids))
        .order_by(deploys.c.deployed_at.desc(), deploys.c.id.desc())
    )


async def places(tx: AsyncConnection) -> tuple[list[str], list[str]]:
    """Return all services and environments that were ever deployed to, sorted by name."""
    services = await tx.execute(select(deploys.c.service).distinct().order_by(deploys.c.service))
    environments = await tx.execute(
        select(deploys.c.environment).distinct().order_by(deploys.c.environment)
    )
    return list(services.scalars()), list(environments.scalars())


async def find(
    tx: AsyncConnection, service: str, environment: str, deploy_ids: Sequence[str]
) -> dict[str, int]:
    """Return the ids in the table of these deploys, leaving out unknown ones."""
    rows = await tx.execute(
        select(deploys.c.deploy_id, deploys.c.id).where(
            deploys.c.service == service,
            deploys.c.environment == environment,
            deploys.c.deploy_id.in_(deploy_ids),
        )
    )
    return {row.deploy_id: row.id for row in rows}


def place_of(deploy: ListedDeploy) -> DeployPlace:
    """Return where the deploy stands in the list."""
    return DeployPlace(to_micros(deploy.deployed_at), deploy.id)


async def _add_suspicions(tx: AsyncConnection, listed: Sequence[ListedDeploy]) -> None:
    by_place = {(each.deploy_id, each.service, each.environment): each for each in listed}
    one_deploy = (incident_deploys.c.deploy_id, incidents.c.service, incidents.c.environment)
    surest = (incident_deploys.c.confidence.desc(), incidents.c.started_at.desc())
    ranked = (
        select(
            *one_deploy,
            incidents.c.incident_id,
            incidents.c.title,
            incidents.c.ended_at,
            incident_deploys.c.confidence,
            func.row_number().over(partition_by=one_deploy, order_by=surest).label("rank"),
            func.count().over(partition_by=one_deploy).label("suspected_by"),
        )
        .join(incidents, incidents.c.incident_id == incident_deploys.c.incident_id)
        .where(incident_deploys.c.deploy_id.in_([each.deploy_id for each in listed]))
        .subquery()
    )
    rows = await tx.execute(
        select(ranked).where(ranked.c.rank <= SUSPICIONS).order_by(ranked.c.rank)
    )
    for row in rows:
        deploy = by_place.get((row.deploy_id, row.service, row.environment))
        if deploy is not None:
            ended_at = None if row.ended_at is None else from_micros(row.ended_at)
            deploy.suspected_by = row.suspected_by
            deploy.suspicions.append(
                Suspicion(row.incident_id, row.title, ended_at, row.confidence)
            )


def _listed(row: Row[Any]) -> ListedDeploy:
    commits = _decode_commits(row.commits)
    same_repository = row.previous_repository == row.repository
    return struct_of(
        row,
        ListedDeploy,
        previous=row.previous if same_repository else None,
        newest=commits[-1] if commits else None,
        commits=len(commits) + row.cut,
        verdict=row.verdict or "watching",
        verdict_reasons=_decode_reasons(row.verdict_reasons or b"[]"),
        before=_rate(row.events_before, row.minutes_before),
        after=_rate(row.events_after, row.minutes_after),
        suspicions=[],
        suspected_by=0,
    )


def _rate(events: int | None, minutes: float | None) -> ErrorRate | None:
    # An engine may have counted for no time, which is no rate.
    return ErrorRate(events, minutes) if events is not None and minutes else None
