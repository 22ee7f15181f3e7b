"""Whether PushLog lives and what its engine does, for probes, pages and Prometheus."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Literal

import msgspec
from aiohttp import web

from server.keys import DATABASE, ENGINE, LEADERSHIP, LIVE, METRICS, NIGHTLY, SETTINGS, WATCH
from server.process.metrics import CONTENT_TYPE, Gauges, resident_bytes
from server.settings.settings import Settings
from server.storage.errors import STORAGE_TROUBLE
from server.storage.journal.disk import share_free
from server.storage.main import outbox
from server.supervisor.supervisor import EngineStatus
from server.troubles.condition import PROBE_TIMEOUT_S
from server.troubles.kinds import KINDS, degrades
from server.web.auth import read_identity
from server.web.requests import answer

Lamp = Literal["good", "busy", "bad"]
Status = Literal["ok", "degraded", "down"]


class EngineWords(msgspec.Struct, frozen=True):
    """The engine's state as a lamp, two words, and what is wrong, if anything is."""

    lamp: Lamp
    words: str
    trouble: str | None


class StorageHealth(msgspec.Struct, kw_only=True):
    """What is wrong with journal and main database; None means well."""

    journal: str | None
    database: str | None


class OpenTrouble(msgspec.Struct, kw_only=True):
    """A trouble of PushLog itself that people were told of, by its kind, and since when."""

    kind: str
    text: str
    since: datetime


class ServerHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One of the servers that share a database, and for how many seconds it has said nothing."""

    name: str
    leads: bool
    since: datetime
    silent_s: float


class Health(msgspec.Struct, kw_only=True):
    """The health of everything, for people of this installation.

    `status` is ``ok``; ``degraded`` if events are accepted but not all is well; or ``down`` if they
    are refused with 503. `reasons` say what is wrong, the gravest first. `troubles` are those that
    are open, also the ones that are only a warning. `unsigned` names the variables without which
    anybody can send events. `servers` lists those that share a PostgreSQL database.
    """

    status: Status
    reasons: list[str]
    engine: EngineStatus
    storage: StorageHealth
    oldest_waiting_s: float | None
    """The age of the oldest event without a decision; None if nothing waits."""
    troubles: list[OpenTrouble]
    unsigned: list[str]
    servers: list[ServerHealth]


class HealthForAll(msgspec.Struct, frozen=True):
    """What a stranger may know."""

    status: Status


async def health(request: web.Request) -> web.Response:
    """``GET /health``: 200 while events are accepted, whatever the engine does; otherwise 503."""
    found = await examine(request.app)
    body = found if await _is_known(request) else HealthForAll(found.status)
    down = found.status == "down"
    return answer(body, HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK)


async def examine(app: web.Application) -> Health:
    """Check everything now."""
    condition, symptoms = await app[WATCH].examine()
    worse = [each for each in symptoms if degrades(KINDS[each.kind].severity)]
    refuses = any(each.kind == "refusing" for each in symptoms)
    return Health(
        status="down" if refuses else "degraded" if worse else "ok",
        reasons=[each.text for each in worse],
        engine=condition.engine,
        storage=StorageHealth(journal=condition.journal, database=condition.database),
        oldest_waiting_s=condition.oldest_waiting_s,
        troubles=[
            OpenTrouble(kind=each.kind, text=each.text, since=each.opened_at)
            for each in app[WATCH].open
        ],
        unsigned=unsigned(app[SETTINGS]),
        servers=servers(app),
    )


def servers(app: web.Application) -> list[ServerHealth]:
    """Return the servers that share the database, the oldest first; none if there is only one."""
    return [
        ServerHealth(
            name=each.name,
            leads=each.leads,
            since=each.started.astimezone(UTC),
            silent_s=round(each.silent_s, 1),
        )
        for each in app[LEADERSHIP].servers
    ]


async def why_no_heartbeat(app: web.Application) -> str | None:
    """Return the gravest reason; also require that the engine runs, and is not only about to."""
    found = await examine(app)
    if found.reasons:
        return found.reasons[0]
    if found.engine.state != "running":
        return f"the engine is {found.engine.state.replace('_', ' ')}"
    return None


async def engine_health(request: web.Request) -> web.Response:
    """``GET /health/engine``: 200 while the engine decides, otherwise 503."""
    engine = request.app[ENGINE].status()
    well = engine.degraded is None
    body = engine if await _is_known(request) else HealthForAll("ok" if well else "degraded")
    return answer(body, HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)


async def metrics(request: web.Request) -> web.Response:
    """``GET /metrics``, for Prometheus."""
    found = await examine(request.app)
    settings, pid = request.app[SETTINGS], request.app[ENGINE].pid
    gauges = Gauges(
        well=found.status == "ok",
        engine_running=found.engine.state == "running",
        engine_restarts=found.engine.restarts,
        engine_memory_bytes=None if pid is None else resident_bytes(pid),
        backlog=found.engine.backlog,
        oldest_waiting_s=found.oldest_waiting_s or 0.0,
        in_flight=found.engine.in_flight,
        listeners=request.app[LIVE].listening,
        outbox=await _outbox(request.app),
        troubles=dict.fromkeys(KINDS, 0) | {each.kind: 1 for each in found.troubles},
        last_backup=_last_backup(request.app),
        disk_free=_disk_free(settings.journal_path.parent),
        leads=request.app[LEADERSHIP].leads,
        files={
            name: _bytes_on_disk(path)
            for name, path in (("journal", settings.journal_path), ("main", settings.database_path))
            if settings.postgres_url is None
        },
    )
    text = request.app[METRICS].text(gauges)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})


def describe_engine(engine: EngineStatus) -> EngineWords:
    """Describe the engine for people. A start or restore takes a moment and is no trouble."""
    waiting = f"{engine.backlog:,} waiting" if engine.backlog else ""
    trouble = None
    if engine.degraded is not None:
        kept = f" {engine.backlog:,} accepted events are waiting." if engine.backlog else ""
        trouble = f"{engine.degraded}.{kept}"
    match engine.state:
        case "running":
            lamp: Lamp = "good" if trouble is None else "busy"
            return EngineWords(lamp, waiting or "engine running", trouble)
        case "starting" | "restoring":
            return EngineWords("busy", waiting or "engine starting", trouble)
        case "backing_off":
            return EngineWords("bad", "engine down: nobody is being alerted", trouble)
        case "stopping" | "stopped":
            return EngineWords("busy", "engine stopping", trouble)


def unsigned(settings: Settings) -> list[str]:
    """Return the variables that are not set, so that anybody can send the webhooks they guard."""
    secrets = {
        "SENTRY_WEBHOOK_SECRET": settings.sentry_webhook_secrets,
        "INCIDENT_WEBHOOK_SECRET": settings.incident_webhook_secret,
        "GITHUB_WEBHOOK_SECRET": settings.github_webhook_secrets,
    }
    return [name for name, secret in secrets.items() if not secret]


def say_unsigned(settings: Settings) -> str | None:
    """Return a sentence on what anybody can send, and how to stop that; None if nothing."""
    names = unsigned(settings)
    if not names:
        return None
    return f"anyone who reaches this server can send it events. Set {' and '.join(names)}."


async def _is_known(request: web.Request) -> bool:
    """Return whether the person who asks is one of this installation, as far as that is known."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            return await read_identity(request) is not None
    except (*STORAGE_TROUBLE, TimeoutError):
        return False


def _last_backup(app: web.Application) -> float | None:
    """Return when the newest nightly backup was made, in seconds since the epoch."""
    nightly = app[NIGHTLY]
    return None if nightly is None or nightly.last is None else nightly.last.timestamp()


def _disk_free(folder: Path) -> float | None:
    try:
        return share_free(folder)
    except OSError:
        return None


def _bytes_on_disk(database: Path) -> int:
    """Return the size of the file and of its write-ahead log, as far as they are there."""
    size = 0
    for path in (database, database.with_name(f"{database.name}-wal")):
        with contextlib.suppress(OSError):
            size += path.stat().st_size
    return size


async def _outbox(app: web.Application) -> Mapping[str, int] | None:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S), app[DATABASE].read() as tx:
            counts = await outbox.counts(tx)
    except (*STORAGE_TROUBLE, TimeoutError):
        return None
    return {str(state): count for state, count in counts.items()}
