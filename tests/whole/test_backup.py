"""`scripts/backup` while the server works, and `scripts/restore`: nothing lost, nothing twice."""

import asyncio
import contextlib
import random
import re
import sqlite3
from pathlib import Path

import aiohttp
import pytest

from scripts.commands.chaos.checks import count
from scripts.commands.chaos.fake_slack import open_sink
from scripts.commands.chaos.load import Accepted, send_load
from tests.processes import ROOT, ServerProcess, clean_environment, running_server
from tests.signed_in import AS_OPERATOR
from tests.waiting import limit
from tests.whole.decided import all_decided
from tests.whole.errors import error_in


async def run(script: str, data: Path, *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output and errors of a script, with the data in the folder `data`."""
    process = await asyncio.create_subprocess_exec(
        ROOT / "scripts" / script,
        *arguments,
        env={**clean_environment(data), "DATABASE_URL": f"sqlite:///{data / 'pushlog.db'}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def backup(data: Path, folder: Path, *options: str) -> Path:
    code, out, err = await run("backup", data, folder, *options)
    assert (code, err) == (0, f"Database: {data / 'pushlog.db'}\n")
    return Path(out.partition(":")[0])


async def restore(data: Path, made: Path) -> str:
    code, out, err = await run("restore", data, made)
    assert (code, err) == (0, f"Database: {data / 'pushlog.db'}\n")
    return out


async def fail(server: ServerProcess, service: str) -> None:
    """An error in a service of its own, which opens an incident of its own."""
    async with (
        aiohttp.ClientSession(headers=AS_OPERATOR) as http,
        http.post(f"{server.url}/api/webhooks/incidents", json=error_in(service)) as response,
    ):
        assert response.status == 202


async def delivered(server: ServerProcess, count: int) -> None:
    """Return once so many deliveries are marked as sent."""
    async with aiohttp.ClientSession(headers=AS_OPERATOR) as http, limit():
        while True:
            async with http.get(f"{server.url}/api/deliveries?state=sent") as response:
                if len((await response.json())["deliveries"]) == count:
                    return
            await asyncio.sleep(0.05)


def asides(data: Path) -> list[Path]:
    return list(data.glob("before-restore-*"))


def numbers(path: Path, query: str) -> list[int]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [number for (number,) in connection.execute(query)]


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """The data of a server that has decided a few events and was stopped."""
    folder = tmp_path / "data"
    async with running_server(folder) as server:
        await send_load([server.url], 20, clients=4, rng=random.Random(3))
        await all_decided(server)
        assert await server.interrupt() == 0
    return folder


async def test_a_backup_under_load_has_all_that_was_accepted_and_each_is_decided_once(
    tmp_path: Path,
) -> None:
    live, other = tmp_path / "live", tmp_path / "other"
    chance = random.Random(1)
    meanwhile: list[Accepted] = []
    async with running_server(live) as server:
        before = await send_load([server.url], 400, clients=8, rng=chance)
        making = asyncio.create_task(backup(live, tmp_path / "backups"))
        while not making.done():
            meanwhile.append(await send_load([server.url], 100, clients=8, rng=chance))
        made = await making
        await server.kill()
    assert meanwhile
    assert not any(each.unavailable or each.broken for each in meanwhile)

    await restore(other, made)
    copied = numbers(other / "pushlog-journal.db", "SELECT max(seq) FROM entries")
    async with running_server(other) as server:
        await all_decided(server)
        assert await server.interrupt() == 0
        log = tmp_path / "log"
        log.write_text(server.log.text())
    faults: list[str] = []
    journal, database = other / "pushlog-journal.db", other / "pushlog.db"
    counts = count(journal, database, log, before.keys, {}, faults)
    assert faults == []
    assert (counts.accepted, counts.lost, counts.doubled) == (400, 0, 0)
    # The server's own entry at its start may have come behind those of the backup.
    assert counts.decided >= copied[0]
    opened = numbers(database, "SELECT count(*) FROM incidents")
    assert numbers(database, "SELECT count(DISTINCT incident_id) FROM notifications") == opened


async def test_many_backups_under_load_are_all_consistent(tmp_path: Path) -> None:
    live, folder = tmp_path / "live", tmp_path / "backups"
    async with running_server(live) as server:
        load = asyncio.create_task(send_load([server.url], 1_000, clients=8, rng=random.Random(2)))
        while not load.done():
            # It fails where the main database knows more than the journal.
            await backup(live, folder)
        await load
        await server.kill()
    ends = [
        numbers(made / "pushlog-journal.db", "SELECT max(seq) FROM entries")
        for made in sorted(folder.iterdir())
    ]
    assert ends == sorted(ends)


async def test_what_was_delivered_before_a_backup_is_not_delivered_again_after_it(
    tmp_path: Path,
) -> None:
    live, other = tmp_path / "live", tmp_path / "other"
    async with open_sink() as sink:
        slack = sink.as_webhook()
        async with running_server(live, env=slack) as server:
            await fail(server, "before-the-backup")
            await delivered(server, 1)
            made = await backup(live, tmp_path / "backups")
            await server.kill()
        await restore(other, made)
        async with running_server(other, env=slack) as server:
            await fail(server, "after-the-restore")
            await delivered(server, 2)
        first, second = sink.messages
    assert "before-the-backup" in first
    assert "after-the-restore" in second


async def test_what_was_there_is_moved_aside_and_the_key_of_mails_comes_back(
    data: Path, tmp_path: Path
) -> None:
    (data / "pushlog-mail.key").write_text("ab" * 32)
    made = await backup(data, tmp_path / "backups", "--keep", "14")
    (data / "pushlog-mail.key").write_text("cd" * 32)
    (ended,) = numbers(data / "pushlog-journal.db", "SELECT max(seq) FROM entries")
    async with running_server(data) as server:
        await send_load([server.url], 5, clients=1, rng=random.Random(4))
        await server.kill()

    out = await restore(data, made)
    (aside,) = asides(data)
    assert f"The data from before is in {aside}." in out
    assert f"up to entry {ended}." in out
    assert numbers(data / "pushlog-journal.db", "SELECT max(seq) FROM entries") == [ended]
    assert (data / "pushlog-mail.key").read_text() == "ab" * 32
    # Killed, it left its newest entries in the log beside the file: they belong together.
    assert numbers(aside / "pushlog-journal.db", "SELECT max(seq) FROM entries") > [ended]
    assert (aside / "pushlog-mail.key").read_text() == "cd" * 32


async def test_nothing_is_restored_under_a_running_server(data: Path, tmp_path: Path) -> None:
    made = await backup(data, tmp_path / "backups")
    async with running_server(data) as server:
        code, _, err = await run("restore", data, made)
        assert code == 1
        assert "nothing was changed: " in err
        assert f"is in use by another server (process {server.pid})" in err
        accepted = await send_load([server.url], 5, clients=1, rng=random.Random(5))
        assert (len(accepted.keys), accepted.broken, accepted.unavailable) == (5, 0, 0)


async def test_what_cannot_be_backed_up_or_restored_is_said(data: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    code, _, err = await run("backup", nowhere, tmp_path / "backups")
    assert code == 1
    assert f"{nowhere / 'pushlog.db'} does not exist: set DATABASE_URL to where the data is" in err
    code, _, err = await run("backup", data, tmp_path / "backups", "--keep", "0")
    assert (code, "must be a whole number above 0, not '0'" in err) == (2, True)
    code, _, err = await run("restore", data, tmp_path)
    assert code == 1
    assert f"{tmp_path} is no complete backup: there is no manifest.json in it" in err
    assert asides(data) == []


async def test_with_a_folder_set_the_server_makes_backups_that_can_be_restored(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "backups"
    async with running_server(tmp_path, env={"BACKUP_FOLDER": str(folder)}) as server:
        made = await server.log.wait_for(r"\[server\] Made a backup, (\S+): all up to entry \d+")
        async with aiohttp.ClientSession(headers=AS_OPERATOR) as http:
            metrics = await (await http.get(f"{server.url}/metrics")).text()
        assert re.search(r"^pushlog_last_backup_timestamp_seconds \d", metrics, re.MULTILINE)
        assert await server.interrupt() == 0
    restored = await restore(tmp_path, Path(made[1]))
    assert "Restored" in restored
