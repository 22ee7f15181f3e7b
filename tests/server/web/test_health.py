"""Probes tell what works; metrics count it."""

import re

import aiohttp
import pytest

from server.keys import METRICS, SETTINGS
from server.supervisor.status import EngineState
from server.supervisor.supervisor import EngineStatus
from server.web.health import describe_engine
from tests.processes import ServerProcess
from tests.server.web.conftest import Client
from tests.signed_in import AS_OPERATOR

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
    assert body["status"] == "ok"
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
    assert body["status"] == "down"
    assert body["storage"] == {"journal": "its file is gone", "database": None}


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
    server: ServerProcess,
) -> None:
    await server.log.wait_for("has its 0 states")
    async with aiohttp.ClientSession(headers=AS_OPERATOR) as http:
        text = await (await http.get(f"{server.url}/metrics")).text()
    samples = dict(re.findall(r"^(\S+) (\S+)$", text, re.MULTILINE))
    assert float(samples["pushlog_engine_memory_bytes"]) > 5_000_000
    assert 0 < float(samples["pushlog_disk_free_ratio"]) <= 1
    assert float(samples['pushlog_outbox_deliveries{state="waiting"}']) == 0
    assert float(samples["pushlog_well"]) == 1
    # There from the start: Prometheus sees no increase if a series begins at 1.
    assert float(samples['pushlog_webhooks_total{outcome="not_stored",source="sentry"}']) == 0
