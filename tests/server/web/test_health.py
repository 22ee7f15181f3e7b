"""Probes tell what works; metrics count it."""

import asyncio
import contextlib
import re
import sqlite3
import sys
from pathlib import Path

import aiohttp
import msgspec
import pytest

from server.keys import METRICS, SETTINGS
from server.supervisor.status import EngineState
from server.supervisor.supervisor import EngineStatus
from server.web.health import describe_engine
from tests.builders import event
from tests.processes import ServerProcess, running_server
from tests.server.web.conftest import Client
from tests.signed_in import AS_OPERATOR
from tests.waiting import limit

WELL = EngineStatus(
    state="running",
    degraded=None,
    engine="pushlog 0.1.0",
    restarts=0,
    last_exit=None,
    in_flight=0,
    backlog=0,
)


async def test_health_names_the_engine_the_storage_and_what_is_unsigned(client: Client) -> None:
    response = await client.get("/health")
    assert response.status == 200
    body = await response.json()
    assert (body["status"], body["reasons"]) == ("ok", [])
    assert body["engine"]["state"] == "stopped"
    assert body["storage"] == {"journal": None, "database": None}
    assert body["unsigned"] == [
        "SENTRY_WEBHOOK_SECRET",
        "INCIDENT_WEBHOOK_SECRET",
        "GITHUB_WEBHOOK_SECRET",
    ]


async def test_health_is_bad_where_events_cannot_be_stored(client: Client) -> None:
    journal = client.app[SETTINGS].journal_path
    journal.unlink()
    response = await client.get("/health")
    assert response.status == 503
    body = await response.json()
    assert (body["status"], body["reasons"]) == ("down", ["the journal: its file is gone"])
    assert body["storage"] == {"journal": "its file is gone", "database": None}


async def test_a_stranger_learns_whether_all_is_well_and_nothing_else(client: Client) -> None:
    client.session.cookie_jar.clear()
    for path in ("/health", "/health/engine"):
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            response = await client.get(path, headers=headers)
            assert (response.status, await response.json()) == (200, {"status": "ok"})
        response = await client.get(path, headers=AS_OPERATOR)
        assert len(await response.json()) > 1
    client.app[SETTINGS].journal_path.unlink()
    response = await client.get("/health")
    assert (response.status, await response.json()) == (503, {"status": "down"})


async def test_whoever_cannot_be_looked_up_is_a_stranger(client: Client) -> None:
    with contextlib.closing(sqlite3.connect(client.app[SETTINGS].database_path)) as connection:
        connection.execute("DROP TABLE sessions")
    response = await client.get("/health")
    assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_health_is_bad_while_webhooks_are_refused_because_too_many_wait(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    idle = f"{sys.executable} -m tests.fakes.engines.misbehaving idle"
    env = {"INCIDENT_QUEUE_MAX": "2", "INCIDENT_ENGINE_BIN": idle}
    async with running_server(tmp_path, env=env) as server:
        await server.log.wait_for("has its 0 states")
        assert (await http.get(f"{server.url}/health")).status == 200
        url = f"{server.url}/api/webhooks/incidents"
        # The server's own entry of settings may wait, too.
        answers = [(await http.post(url, data=msgspec.json.encode(event()))).status for _ in "123"]
        assert (answers[0], answers[-1]) == (202, 503)
        response = await http.get(f"{server.url}/health")
        assert response.status == 503
        full = "the queue is full: INCIDENT_QUEUE_MAX events are waiting for the engine"
        assert (await response.json())["reasons"] == [full]


async def test_health_is_bad_from_a_refusal_until_the_journal_can_be_written_again(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running_server(tmp_path) as server:
        url = f"{server.url}/api/webhooks/incidents"
        journal = tmp_path / "pushlog-journal.db"
        with contextlib.closing(sqlite3.connect(journal, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert (await http.post(url, data=msgspec.json.encode(event()))).status == 503
            response = await http.get(f"{server.url}/health")
            assert response.status == 503
            (reason,) = (await response.json())["reasons"]
            assert reason.startswith("the journal: another program has locked the file")
        # No webhook has to come for it to find that out.
        async with limit():
            while (await http.get(f"{server.url}/health")).status != 200:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)


async def test_the_health_of_the_engine_can_be_asked_alone(client: Client) -> None:
    response = await client.get("/health/engine")
    assert response.status == 200
    assert (await response.json())["state"] == "stopped"


@pytest.mark.parametrize(
    ("state", "degraded", "lamp"),
    [
        ("running", None, "good"),
        ("running", "the engine ended: exit code 1", "busy"),
        ("starting", None, "busy"),
        ("restoring", None, "busy"),
        ("backing_off", "the engine ended: exit code 1", "bad"),
        ("stopping", None, "busy"),
        ("stopped", None, "busy"),
    ],
)
def test_the_lamp_shows_how_the_engine_is(
    state: EngineState, degraded: str | None, lamp: str
) -> None:
    status = EngineStatus(
        state=state,
        degraded=degraded,
        engine=None,
        restarts=1,
        last_exit=degraded,
        in_flight=0,
        backlog=1234,
    )
    shown = describe_engine(status)
    assert shown.lamp == lamp
    assert shown.words == {
        "backing_off": "engine down: nobody is being alerted",
        "stopping": "engine stopping",
        "stopped": "engine stopping",
    }.get(state, "1,234 waiting")
    assert (shown.trouble is None) == (degraded is None)
    if shown.trouble is not None:
        assert shown.trouble.endswith("1. 1,234 accepted events are waiting.")


def test_an_engine_that_is_well_and_idle_says_so() -> None:
    assert describe_engine(WELL).words == "engine running"


async def test_metrics_count_in_the_format_of_prometheus(client: Client) -> None:
    metrics = client.app[METRICS]
    metrics.webhooks.labels(source="sentry", outcome="accepted").inc(3)
    metrics.accept_seconds.observe(0.004)
    metrics.decisions.labels(code="known").inc()
    metrics.incidents.labels(trigger="spike").inc()
    response = await client.get("/metrics")
    assert response.content_type == "text/plain"
    text = await response.text()
    for line in (
        'pushlog_webhooks_total{outcome="accepted",source="sentry"} 3.0',
        'pushlog_accept_seconds_bucket{le="0.005"} 1.0',
        'pushlog_accept_seconds_bucket{le="0.0025"} 0.0',
        'pushlog_decisions_total{code="known"} 1.0',
        'pushlog_incidents_total{trigger="spike"} 1.0',
        "pushlog_engine_running 0.0",
        "pushlog_engine_restarts_total 0.0",
        "pushlog_backlog_events 0.0",
        "pushlog_in_flight_events 0.0",
        "pushlog_live_streams 0.0",
    ):
        assert line in text.splitlines()
    names = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert "process_open_fds" in names


async def test_metrics_say_how_the_engines_process_the_outbox_and_the_disk_are(
    tmp_path: Path, server: ServerProcess
) -> None:
    await server.log.wait_for("has its 0 states")
    async with aiohttp.ClientSession(headers=AS_OPERATOR) as http:
        text = await (await http.get(f"{server.url}/metrics")).text()
    samples = dict(re.findall(r"^(\S+) (\S+)$", text, re.MULTILINE))
    assert float(samples["pushlog_engine_memory_bytes"]) > 5_000_000
    assert 0 < float(samples["pushlog_disk_free_ratio"]) <= 1
    for database, name in (("journal", "pushlog-journal.db"), ("main", "pushlog.db")):
        on_disk = sum(path.stat().st_size for path in (tmp_path / name, tmp_path / f"{name}-wal"))
        # They may have grown since.
        assert 4096 < float(samples[f'pushlog_file_bytes{{database="{database}"}}']) <= on_disk
    assert float(samples['pushlog_outbox_deliveries{state="waiting"}']) == 0
    assert float(samples["pushlog_well"]) == 1
    # There from the start: Prometheus sees no increase if a series begins at 1.
    assert float(samples['pushlog_webhooks_total{outcome="not_stored",source="sentry"}']) == 0
