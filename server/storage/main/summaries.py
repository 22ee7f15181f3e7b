"""What happened in a time, for the summaries that people get by mail.

Notices of deploys are not counted among the incidents, as the deploys themselves are.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import CTE, BigInteger, ColumnElement, Row, case, cast, func, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.deploy_figures import JUDGED
from server.storage.main.deploy_list import Standing
from server.storage.main.incident_hours import HOUR_US
from server.storage.main.incidents import SEVERITIES, places
from server.storage.main.tables import deploys, incident_hours, incidents, not_told
from server.storage.rows import struct_of
from shared.event import Severity

MOST_SEVERE = 10
NOISIEST = 5
MOST_FAULTY = 10
MOST_PLACES = 10_000
"""Services, and environments, that are looked through."""

_decode_reasons = msgspec.json.Decoder(list[str]).decode


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a summary is about: from `since` until before `until`, in microseconds, and where.

    `services` or `environments` that are None do not filter.
    """

    since: int
    until: int
    services: Sequence[str] | None = None
    environments: Sequence[str] | None = None

    def covers(self, service: str, environment: str) -> bool:
        """Return whether this place is part of it."""
        return (self.services is None or service in self.services) and (
            self.environments is None or environment in self.environments
        )


class SummedIncident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An incident in a summary; `events` are those of the time, if they are asked for."""

    incident_id: str
    title: str
    service: str
    environment: str
    severity: Severity
    started_at: datetime
    ended_at: datetime | None = None
    events: int = 0


class FaultyDeploy(msgspec.Struct, frozen=True, kw_only=True):
    """A faulty deploy; `id` is that in the table, and `reasons` are sentences."""

    id: int
    service: str
    environment: str
    deployed_at: datetime
    release: str | None
    reasons: list[str]


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened.

    `opened` counts incidents by severity, and `deploys` by what became of them. `open` are those
    that were open at the end, of which `oldest` is the one that nobody acknowledged for longest.
    `most_severe` are of those that opened. `noisiest` are by their events, counted by whole hours.
    `faulty` are the newest. `held_back` counts what nobody was told because of a noise filter.
    """

    opened: dict[Severity, int] = {}
    ended: int = 0
    open: int = 0
    oldest: SummedIncident | None = None
    most_severe: list[SummedIncident] = []
    noisiest: list[SummedIncident] = []
    deploys: dict[Standing, int] = {}
    faulty: list[FaultyDeploy] = []
    held_back: int = 0

    @property
    def judged(self) -> int:
        """Return how many deploys have a verdict that says whether they failed."""
        return sum(self.deploys.get(verdict, 0) for verdict in JUDGED)

    @property
    def change_failure_rate(self) -> float | None:
        """Return the share (0-1) of faulty deploys among the judged ones; None without these."""
        return self.deploys.get("faulty", 0) / self.judged if self.judged else None

    @property
    def is_empty(self) -> bool:
        """Return whether nothing happened, and nothing is open."""
        return not (self.opened or self.ended or self.open or self.deploys)


async def summarise(tx: AsyncConnection, scope: Scope) -> Summary:
    """Return what happened, and what is open now."""
    opened, ended, is_open = await _opened(tx, scope), _ended(scope), _open(scope)
    by_severity = await tx.execute(
        select(incidents.c.severity, func.count()).where(*opened).group_by(incidents.c.severity)
    )
    counts: dict[Severity, int] = {row[0]: row[1] for row in by_severity}
    active = union(
        *(select(incidents.c.incident_id).where(*each) for each in (opened, ended, is_open))
    ).cte("active")
    stood, faulty = await _deploys(tx, scope)
    return Summary(
        opened={each: counts[each] for each in reversed(SEVERITIES) if each in counts},
        ended=await _count(tx, ended),
        open=await _count(tx, is_open),
        oldest=await _oldest(tx, is_open),
        most_severe=await _most_severe(tx, opened),
        noisiest=await _noisiest(tx, active, scope),
        deploys=stood,
        faulty=faulty,
        held_back=await _held_back(tx, active, scope),
    )


_LISTED = [incidents.c[name] for name in SummedIncident.__struct_fields__ if name != "events"]
_NO_NOTICE = incidents.c.trigger != "deploy"


async def _opened(tx: AsyncConnection, scope: Scope) -> list[ColumnElement[bool]]:
    # The index of when incidents began begins with their places, so that all of them are named.
    known = await places(tx, MOST_PLACES)
    services = known.services if scope.services is None else scope.services
    environments = known.environments if scope.environments is None else scope.environments
    return [
        incidents.c.service.in_(services),
        incidents.c.environment.in_(environments),
        incidents.c.started_at >= scope.since,
        incidents.c.started_at < scope.until,
        _NO_NOTICE,
    ]


def _ended(scope: Scope) -> list[ColumnElement[bool]]:
    in_time = (incidents.c.ended_at >= scope.since, incidents.c.ended_at < scope.until)
    return [*in_time, _NO_NOTICE, *_in_places(scope)]


def _open(scope: Scope) -> list[ColumnElement[bool]]:
    return [incidents.c.ended_at.is_(None), _NO_NOTICE, *_in_places(scope)]


def _in_places(scope: Scope) -> list[ColumnElement[bool]]:
    # Joined with "", the column is in no index: SQLite would read a year of the service otherwise.
    return [
        column.concat("").in_(chosen)
        for column, chosen in (
            (incidents.c.service, scope.services),
            (incidents.c.environment, scope.environments),
        )
        if chosen is not None
    ]


async def _count(tx: AsyncConnection, conditions: Sequence[ColumnElement[bool]]) -> int:
    return await tx.scalar(select(func.count()).select_from(incidents).where(*conditions)) or 0


async def _oldest(
    tx: AsyncConnection, is_open: Sequence[ColumnElement[bool]]
) -> SummedIncident | None:
    rows = await tx.execute(
        select(*_LISTED)
        .where(*is_open, incidents.c.acknowledged_at.is_(None))
        .order_by(incidents.c.opened_seq)
        .limit(1)
    )
    row = rows.first()
    return None if row is None else _listed(row)


async def _most_severe(
    tx: AsyncConnection, opened: Sequence[ColumnElement[bool]]
) -> list[SummedIncident]:
    rank = case({each: rank for rank, each in enumerate(SEVERITIES)}, value=incidents.c.severity)
    rows = await tx.execute(
        select(*_LISTED)
        .where(*opened)
        .order_by(rank.desc(), incidents.c.priority_score.desc(), incidents.c.opened_seq.desc())
        .limit(MOST_SEVERE)
    )
    return [_listed(row) for row in rows]


async def _noisiest(tx: AsyncConnection, active: CTE, scope: Scope) -> list[SummedIncident]:
    events = cast(func.sum(incident_hours.c.events), BigInteger)
    rows = await tx.execute(
        select(active.c.incident_id, events)
        .join(incident_hours, incident_hours.c.incident_id == active.c.incident_id)
        .where(
            incident_hours.c.hour >= scope.since // HOUR_US,
            incident_hours.c.hour < -(-scope.until // HOUR_US),
        )
        .group_by(active.c.incident_id)
        .order_by(events.desc(), active.c.incident_id)
        .limit(NOISIEST)
    )
    counted: dict[str, int] = {row[0]: row[1] for row in rows}
    found = await tx.execute(select(*_LISTED).where(incidents.c.incident_id.in_(counted)))
    listed = {row.incident_id: row for row in found}
    return [_listed(listed[each], count) for each, count in counted.items()]


async def _held_back(tx: AsyncConnection, active: CTE, scope: Scope) -> int:
    count = await tx.scalar(
        select(func.count())
        .select_from(active)
        .join(not_told, not_told.c.incident_id == active.c.incident_id)
        .where(
            not_told.c.reason == "noise_filter",
            not_told.c.at >= scope.since,
            not_told.c.at < scope.until,
        )
    )
    return count or 0


async def _deploys(
    tx: AsyncConnection, scope: Scope
) -> tuple[dict[Standing, int], list[FaultyDeploy]]:
    rows = await tx.execute(
        select(deploys.c.id, deploys.c.service, deploys.c.environment, deploys.c.verdict)
        .where(deploys.c.deployed_at >= scope.since, deploys.c.deployed_at < scope.until)
        .order_by(deploys.c.deployed_at.desc(), deploys.c.id.desc())
    )
    found = [row for row in rows if scope.covers(row.service, row.environment)]
    counts: Counter[Standing] = Counter(row.verdict or "watching" for row in found)
    faulty = [row.id for row in found if row.verdict == "faulty"][:MOST_FAULTY]
    whole = await tx.execute(select(*_OF_DEPLOY).where(deploys.c.id.in_(faulty)))
    by_id = {row.id: row for row in whole}
    return dict(counts), [_faulty(by_id[each]) for each in faulty]


_OF_DEPLOY = [
    *(deploys.c[name] for name in FaultyDeploy.__struct_fields__ if name != "reasons"),
    deploys.c.verdict_reasons,
]


def _listed(row: Row[*tuple[object, ...]], events: int = 0) -> SummedIncident:
    return struct_of(row, SummedIncident, events=events)


def _faulty(row: Row[*tuple[object, ...]]) -> FaultyDeploy:
    reasons = _decode_reasons(row._mapping["verdict_reasons"] or b"[]")
    return struct_of(row, FaultyDeploy, reasons=reasons)
