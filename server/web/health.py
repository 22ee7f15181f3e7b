"""Whether PushLog lives and what its engine does: for probes, pages and Prometheus."""

import asyncio
import os
from http import HTTPStatus
from pathlib import Path
from typing import Literal

import msgspec
from aiohttp import web

from server.keys import DATABASE, LIVE, METRICS, SETTINGS, SUPERVISOR
from server.metrics import CONTENT_TYPE, Gauges
from server.settings import Settings
from server.storage import checkpoints
from server.storage.disk import KEPT_FREE, Disk
from server.storage.trouble import STORAGE_TROUBLE
from server.supervisor.supervisor import EngineStatus
from server.web.answers import answer

PROBE_TIMEOUT_S = 2.0

Lamp = Literal["good", "busy", "bad"]


class EngineWords(msgspec.Struct, frozen=True):
    """The engine's state as a lamp, two words, and what is wrong, if anything is."""

    lamp: Lamp
    words: str
    trouble: str | None


class StorageHealth(msgspec.Struct, kw_only=True):
    """What is wrong with journal and main database; none is well."""

    journal: str | None
    database: str | None


class Health(msgspec.Struct, kw_only=True):
    """`status`: ``ok``; ``degraded`` where events are accepted but not all is well; ``down`` where
    they cannot be accepted. `unsigned` names the variables without which anybody can send events.
    """

    status: Literal["ok", "degraded", "down"]
    engine: EngineStatus
    storage: StorageHealth
    unsigned: list[str]


async def health(request: web.Request) -> web.Response:
    """``GET /health``: 200 while events are accepted, whatever the engine does; otherwise 503."""
    engine = request.app[SUPERVISOR].status()
    storage = StorageHealth(
        journal=_journal_trouble(request.app[SETTINGS].journal_path),
        database=await _database_trouble(request),
    )
    status: Literal["ok", "degraded", "down"] = "ok"
    if storage.journal is not None:
        status = "down"
    elif storage.database is not None or engine.degraded is not None:
        status = "degraded"
    body = Health(
        status=status, engine=engine, storage=storage, unsigned=unsigned(request.app[SETTINGS])
    )
    down = status == "down"
    return answer(body, HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK)


async def engine_health(request: web.Request) -> web.Response:
    """``GET /health/engine``: 200 while the engine decides, otherwise 503."""
    engine = request.app[SUPERVISOR].status()
    well = engine.degraded is None
    return answer(engine, HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)


async def metrics(request: web.Request) -> web.Response:
    """``GET /metrics``, for Prometheus."""
    engine = request.app[SUPERVISOR].status()
    gauges = Gauges(
        engine_running=engine.state == "running",
        engine_restarts=engine.restarts,
        backlog=engine.backlog,
        in_flight=engine.in_flight,
        listeners=request.app[LIVE].listening,
    )
    text = request.app[METRICS].text(gauges)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})


def describe_engine(engine: EngineStatus) -> EngineWords:
    """For people. A start and a restore take a moment and are no trouble by themselves."""
    waiting = f"{engine.backlog:,} waiting" if engine.backlog else ""
    trouble = None
    if engine.degraded is not None:
        kept = f" {engine.backlog:,} accepted events wait for it." if engine.backlog else ""
        trouble = f"{engine.degraded}.{kept}"
    match engine.state:
        case "running":
            lamp: Lamp = "good" if trouble is None else "busy"
            return EngineWords(lamp, waiting or "engine running", trouble)
        case "starting" | "restoring":
            return EngineWords("busy", waiting or "engine starting", trouble)
        case "backing_off":
            return EngineWords("bad", waiting or "engine down", trouble)
        case "stopping" | "stopped":
            return EngineWords("busy", "engine stopping", trouble)


def unsigned(settings: Settings) -> list[str]:
    """The variables that are not set, so that anybody can send the webhooks they would guard."""
    secrets = {
        "SENTRY_WEBHOOK_SECRET": settings.sentry_webhook_secrets,
        "INCIDENT_WEBHOOK_SECRET": settings.incident_webhook_secret,
    }
    return [name for name, secret in secrets.items() if not secret]


def _journal_trouble(path: Path) -> str | None:
    """What would keep the next event from being stored, as far as it shows without storing one."""
    if not path.exists():
        return "its file is gone"
    if not os.access(path, os.W_OK):
        return "its file cannot be written"
    if not Disk(path.parent).has_room():
        return f"the disk is full but for the last {KEPT_FREE:.0%}"
    return None


async def _database_trouble(request: web.Request) -> str | None:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S), request.app[DATABASE].read() as tx:
            await checkpoints.progress(tx)
    except STORAGE_TROUBLE as error:
        return str(error)
    except TimeoutError:
        return f"it does not answer within {PROBE_TIMEOUT_S:.0f} s"
    return None
