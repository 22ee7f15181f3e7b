"""How often deploys fail and how long that lasts, by PushLog's own verdicts.

DORA (https://dora.dev/guides/dora-metrics-four-keys/) calls the two figures *change failure rate*
and *failed deployment recovery time*.
"""

from collections.abc import Sequence
from statistics import median
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import deploys, incident_deploys, incidents
from shared.incident import Verdict

DAYS = 30
"""How far back the deploys go that count."""

SURE = 0.5
"""The least confidence (0-1) at which an incident that suspects a deploy is taken to be its own."""

JUDGED: tuple[Verdict, ...] = ("clean", "suspect", "faulty")
"""Verdicts that say whether a deploy failed."""

_DAY_MICROS = 86_400_000_000


class FiguresFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which deploys count. A field that is None does not filter."""

    service: str | None = None
    environment: str | None = None


class DeployFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the deploys of the last `days` days.

    `change_failure_rate` (0-1) is `failed`, the faulty ones, divided by `judged`, those that are
    clean, suspect or faulty; None if there are none of these.

    A failed deploy is restored when the last of its incidents has ended, and not restored while one
    of them is open; without any it is neither. Its incidents are those that suspect it with a
    confidence of `SURE` or more and had not ended before it. `median_restore_s` is the median time
    from the deploy until the last end, in seconds, over the `restored` ones; None without them.
    """

    days: int
    judged: int
    failed: int
    change_failure_rate: float | None
    restored: int
    not_restored: int
    median_restore_s: float | None


async def measure(tx: AsyncConnection, wanted: FiguresFilter, now: int) -> DeployFigures:
    """Return the figures of the `DAYS` days before `now` (microseconds)."""
    counting = _counting(wanted, now)
    counts = (
        await tx.execute(
            select(
                func.count().filter(deploys.c.verdict.in_(JUDGED)).label("judged"),
                func.count().filter(deploys.c.verdict == "faulty").label("failed"),
            ).where(*counting)
        )
    ).one()
    suspected = [each for each in await _effects(tx, counting) if each.suspected_by]
    restored = [
        each.last_end - each.deployed_at for each in suspected if each.ended == each.suspected_by
    ]
    return DeployFigures(
        days=DAYS,
        judged=counts.judged,
        failed=counts.failed,
        change_failure_rate=counts.failed / counts.judged if counts.judged else None,
        restored=len(restored),
        not_restored=len(suspected) - len(restored),
        median_restore_s=median(restored) / 1e6 if restored else None,
    )


def _counting(wanted: FiguresFilter, now: int) -> list[ColumnElement[bool]]:
    """Return the conditions on a deploy that counts."""
    conditions = [deploys.c.deployed_at >= now - DAYS * _DAY_MICROS]
    if wanted.service is not None:
        conditions.append(deploys.c.service == wanted.service)
    if wanted.environment is not None:
        conditions.append(deploys.c.environment == wanted.environment)
    return conditions


async def _effects(
    tx: AsyncConnection, counting: Sequence[ColumnElement[bool]]
) -> Sequence[Row[Any]]:
    """Return each failed deploy, with how many incidents suspect it, how many of those have ended,
    and when the last of these did.
    """
    suspecting = and_(
        incident_deploys.c.deploy_id == deploys.c.deploy_id,
        incident_deploys.c.confidence >= SURE,
    )
    of_this_run = and_(
        incidents.c.incident_id == incident_deploys.c.incident_id,
        incidents.c.service == deploys.c.service,
        incidents.c.environment == deploys.c.environment,
        # A deploy that goes back keeps the incidents of its first run, which ended before it.
        or_(incidents.c.ended_at.is_(None), incidents.c.ended_at >= deploys.c.deployed_at),
    )
    # Of inner joins SQLite would begin with all incidents of the service or the environment.
    rows = await tx.execute(
        select(
            deploys.c.deployed_at,
            func.count(incidents.c.incident_id).label("suspected_by"),
            func.count(incidents.c.ended_at).label("ended"),
            func.max(incidents.c.ended_at).label("last_end"),
        )
        .outerjoin_from(deploys, incident_deploys, suspecting)
        .outerjoin(incidents, of_this_run)
        .where(*counting, deploys.c.verdict == "faulty")
        .group_by(deploys.c.deployed_at, deploys.c.id)
    )
    return rows.all()
