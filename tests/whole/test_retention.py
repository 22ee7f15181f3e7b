"""A server goes on without the events that retention has removed, and not with the wrong ones."""

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from server.process.metrics import Metrics
from server.settings.settings import read_settings
from server.storage.database import open_database
from server.storage.journal.clock import wall_micros
from server.storage.journal.journal import open_journal
from server.storage.retention import DAY_US, Retention
from tests.builders import event_entry
from tests.processes import running_server
from tests.signed_in import AS_OPERATOR
from tests.waiting import limit

OLD = 40


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """The data of a server that has decided old events, which retention has then removed."""
    settings = read_settings({"DATABASE_URL": f"sqlite:///{tmp_path / 'pushlog.db'}"})
    entry = event_entry(seq=None, received=None, stacktrace=[])
    async with open_journal(
        settings.journal_path, wall=lambda: wall_micros() - 40 * DAY_US
    ) as journal:
        await journal.append([entry] * OLD, None)
    async with running_server(tmp_path) as server:
        await server.log.wait_for(r"incident inc-[0-9a-f]{16} \(new_issue\)")
        assert await server.interrupt() == 0
    async with (
        open_journal(settings.journal_path) as journal,
        open_database(settings.database_path) as database,
    ):
        retention = Retention(settings, journal, database, Metrics())
        await retention.tidy()
        await retention.tidy()
        (oldest,) = await journal.read(0, 1, 0)
        assert oldest.seq == OLD + 1
    return tmp_path


async def post(http: aiohttp.ClientSession, url: str) -> int:
    """Send the event that the old ones were, as one of now; its number."""
    entry = event_entry(seq=None, received=None, stacktrace=[])
    event = {
        "source": entry.source,
        "service": entry.service,
        "environment": entry.environment,
        "timestamp": datetime.now(UTC).isoformat(),
        "severity": entry.severity,
        "exception_type": entry.exception_type,
        "message": entry.message,
    }
    async with http.post(f"{url}/api/webhooks/incidents", json=event) as response:
        assert response.status == 202
        return int((await response.json())["seq"])


async def decided(http: aiohttp.ClientSession, url: str, seq: int) -> str:
    async with limit():
        while True:
            async with http.get(f"{url}/api/decisions/{seq}") as response:
                if response.status == 200:
                    return str((await response.json())["code"])
            await asyncio.sleep(0.05)


def change(data: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(data / "pushlog.db")) as main, main:
        main.execute(statement)


async def test_what_the_engine_knows_outlives_the_events_it_knows_it_from(data: Path) -> None:
    async with running_server(data) as server, aiohttp.ClientSession(headers=AS_OPERATOR) as http:
        seq = await post(http, server.url)
        assert seq > OLD + 1
        # An engine that had forgotten it would open an incident.
        assert await decided(http, server.url, seq) == "known"


async def test_an_older_main_database_than_the_journal_reaches_back_to_is_refused(
    data: Path,
) -> None:
    change(data, f"UPDATE engine_progress SET watermark = {OLD - 1}")
    async with running_server(data, listening=False) as server:
        assert await server.wait() == 2
        await server.log.wait_for(
            f"cannot start: .* begins with entry {OLD + 1}.* would go on after entry {OLD - 1}"
        )


async def test_a_new_main_database_begins_with_what_the_journal_has_and_stays_startable(
    data: Path,
) -> None:
    (data / "pushlog.db").unlink()
    async with running_server(data) as server:
        # Before its first checkpoint: what it begins with is said already.
        await server.kill()
    async with running_server(data) as server, aiohttp.ClientSession(headers=AS_OPERATOR) as http:
        assert await decided(http, server.url, await post(http, server.url)) == "opened"
