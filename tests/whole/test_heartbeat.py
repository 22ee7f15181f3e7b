"""Whether the real server calls HEARTBEAT_URL depends on what /health says."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from server.storage.journal.clock import wall_micros
from server.storage.journal.journal import open_journal
from tests.builders import event_entry
from tests.fakes.monitor import FakeMonitor
from tests.processes import ServerProcess, running_server

IDLE = f"{sys.executable} -m tests.fakes.engines.misbehaving idle"
"""An engine that runs and answers, and decides nothing."""

TEN_MINUTES_US = 600_000_000


@pytest.fixture
async def monitor() -> AsyncIterator[FakeMonitor]:
    async with FakeMonitor() as fake:
        yield fake


async def status_of(server: ServerProcess) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/health") as response:
        return str((await response.json())["status"])


async def accept_an_event(folder: Path, ago_us: int) -> None:
    async with open_journal(
        folder / "pushlog-journal.db", wall=lambda: wall_micros() - ago_us
    ) as journal:
        await journal.append([event_entry(seq=None, received=None)], None)


async def test_a_server_that_is_well_calls_it(tmp_path: Path, monitor: FakeMonitor) -> None:
    async with running_server(tmp_path, env={"HEARTBEAT_URL": monitor.heartbeat_url}) as server:
        await monitor.wait_for_calls(1)
        await server.log.wait_for(r"\[server\] heartbeat arrives")
        assert await status_of(server) == "ok"
        assert await server.interrupt() == 0
    assert monitor.calls == ["GET /ping/secret"]


async def test_a_server_whose_engine_cannot_start_does_not_call_it(
    tmp_path: Path, monitor: FakeMonitor
) -> None:
    env = {"HEARTBEAT_URL": monitor.heartbeat_url, "INCIDENT_ENGINE_BIN": "/nonexistent/engine"}
    async with running_server(tmp_path, env=env) as server:
        await server.log.wait_for(r"\[server\] heartbeat withheld: the engine ended: its command")
        assert await status_of(server) == "degraded"
    assert monitor.calls == []


async def test_a_server_in_which_an_event_waits_too_long_does_not_call_it(
    tmp_path: Path, monitor: FakeMonitor
) -> None:
    await accept_an_event(tmp_path, TEN_MINUTES_US)
    env = {"HEARTBEAT_URL": monitor.heartbeat_url, "INCIDENT_ENGINE_BIN": IDLE}
    async with running_server(tmp_path, env=env) as server:
        await server.log.wait_for(r"heartbeat withheld: an event has waited over a minute")
        assert await status_of(server) == "degraded"
    assert monitor.calls == []


async def test_an_event_that_has_only_just_come_does_not_keep_it_back(
    tmp_path: Path, monitor: FakeMonitor
) -> None:
    await accept_an_event(tmp_path, 0)
    env = {"HEARTBEAT_URL": monitor.heartbeat_url, "INCIDENT_ENGINE_BIN": IDLE}
    async with running_server(tmp_path, env=env) as server:
        await monitor.wait_for_calls(1)
        assert await status_of(server) == "ok"
