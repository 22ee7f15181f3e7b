"""`scripts/prune` removes what is old from stopped data, and says beforehand what would go."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from server.settings.settings import read_settings
from server.storage.database import open_database
from server.storage.journal.clock import monotonic_micros, wall_micros
from server.storage.journal.file import JournalFile
from server.storage.journal.journal import open_journal
from server.storage.main import checkpoints, decisions, deploys, entry_ids, incidents
from server.storage.main.entry_ids import Stretch
from server.storage.retention import DAY_US
from server.storage.retention_preview import preview
from server.storage.times import from_micros
from shared.decisions import Code
from shared.pipe import Decision, IncidentEnded
from tests.builders import change_window, event_entry
from tests.databases import make_database
from tests.processes import ROOT, clean_environment, running_server
from tests.server.web.conftest import incident, incident_id, record
from tests.waiting import LIMIT_S

WOULD = "entries 40, incidents 2, deploys 1, decision_batches 1, notable_decisions 40, entry_ids 1"


async def run(home: Path, *arguments: str, **env: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        ROOT / "scripts/prune",
        *arguments,
        cwd=home,
        env=clean_environment(home) | {"DATABASE_URL": f"sqlite:///{home}/pushlog.db"} | env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    return process.returncode, output.decode().partition("\n")[2]


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """Data of which 40 events, two incidents and a deploy are 400 days old, and ten events new."""
    path = make_database(tmp_path / "pushlog.db")
    ago = [400 * DAY_US]
    entry = event_entry(seq=None, received=None, message="x" * 40_000)
    long_ago = wall_micros() - ago[0]
    async with (
        open_database(path) as database,
        open_journal(
            tmp_path / "pushlog-journal.db",
            wall=lambda: wall_micros() - ago[0],
            monotonic=lambda: monotonic_micros() - ago[0],
        ) as journal,
    ):
        await journal.append([entry] * 40, None)
        ago[0] = 0
        await journal.append([entry] * 10, None)
        for number in (1, 2, 3):
            await record(database, incident(number, seq=number))
        async with database.write() as tx:
            for seqs in (range(1, 41), range(41, 51)):
                said = [Decision(seq, Code.OPENED, incident_id(1)) for seq in seqs]
                await decisions.store(tx, said)
                await entry_ids.store(tx, Stretch(seqs[0], seqs[-1]), {"4711"})
            await checkpoints.store(tx, 50, [])
            await checkpoints.set_recorded(tx, 50)
            for number in (1, 2):
                window = change_window(number, deploy_id=f"d{number}")
                await deploys.store(tx, "shop", "production", window)
            for number, moment in ((1, long_ago), (2, long_ago), (3, wall_micros())):
                ended = IncidentEnded(incident_id(number), "over", from_micros(moment))
                await incidents.end(tx, ended)
    return tmp_path


async def test_what_would_go_is_said_and_stays_and_then_goes(data: Path) -> None:
    assert await run(data, "--dry-run") == (0, f"Would remove: {WOULD}\n")
    assert await run(data, "--dry-run") == (0, f"Would remove: {WOULD}\n")
    code, said = await run(data)
    assert code == 0
    assert set(said.splitlines()[-1].removeprefix("Removed: ").split(", ")) == set(
        WOULD.split(", ")
    )
    nothing = (0, "Nothing is old enough to be removed.\n")
    assert await run(data, "--dry-run") == nothing
    assert await run(data) == nothing


async def test_the_settings_decide(data: Path) -> None:
    code, said = await run(data, "--dry-run", RETENTION_DAYS="500", RETENTION_INCIDENT_DAYS="5000")
    assert (code, said) == (0, "Nothing is old enough to be removed.\n")
    code, said = await run(data, "--dry-run", RETENTION_DAYS="400")
    assert (code, said) == (0, f"Would remove: {WOULD}\n")


async def entries_going(data: Path, missing: int = 0, **changes: object) -> int:
    """How many entries the preview says would go, with the disk lacking so many bytes."""
    url = f"sqlite:///{data}/pushlog.db"
    settings = read_settings({"DATABASE_URL": url, "RETENTION_DAYS": "500"})
    settings = replace(settings, **changes)
    with contextlib.closing(JournalFile(settings.journal_path, writable=False)) as journal:
        async with open_database(settings.database_path) as database:
            found = await preview(settings, journal, database, wall_micros(), lambda _: missing)
    return found["entries"]


async def test_a_journal_that_is_too_large_would_lose_about_as_many_as_it_loses(
    data: Path,
) -> None:
    # Fifty events of 40 kB are 2 MB.
    for megabytes, least, most in ((3, 0, 0), (1, 20, 30), (0, 49, 49)):
        assert least <= await entries_going(data, retention_max_journal_mb=megabytes) <= most


async def test_where_the_disk_is_nearly_full_what_is_a_day_old_would_go_as_far_as_it_must(
    data: Path,
) -> None:
    for missing, least, most in ((0, 0, 0), (600_000, 15, 25), (5_000_000, 40, 40)):
        assert least <= await entries_going(data, missing) <= most


async def test_a_running_server_does_it_and_can_be_asked_what(tmp_path: Path) -> None:
    async with running_server(tmp_path):
        code, said = await run(tmp_path)
        assert (code, "the server is running" in said) == (1, True)
        assert await run(tmp_path, "--dry-run") == (0, "Nothing is old enough to be removed.\n")


async def test_where_there_is_no_data_nothing_is_made(tmp_path: Path) -> None:
    for arguments in ((), ("--dry-run",)):
        code, said = await run(tmp_path, *arguments)
        assert (code, "does not exist: set DATABASE_URL" in said) == (1, True)
    assert not (tmp_path / "pushlog.db").exists()


async def test_an_older_schema_is_named_before_anything_is_looked_at(data: Path) -> None:
    with sqlite3.connect(data / "pushlog.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0018'")
    connection.close()
    code, said = await run(data, "--dry-run")
    assert (code, "run scripts/migrate" in said) == (1, True)
