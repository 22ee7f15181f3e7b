"""`scripts/doctor` checks each thing and says what to do; it disturbs and sends nothing."""

import asyncio
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from scripts.diagnosis.finding import warn
from scripts.diagnosis.outside import examine_clock, examine_way_in
from scripts.diagnosis.storage import examine_storage
from server.settings.settings import read_settings
from server.storage.database import open_database
from server.storage.main import troubles
from tests.databases import make_database
from tests.fakes.github import FakeGitHub
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.processes import ROOT, clean_environment, running_server
from tests.waiting import LIMIT_S

NOBODY = "http://127.0.0.1:1"


async def run(home: Path, **env: str) -> tuple[int | None, dict[str, str]]:
    """The exit code, and the line of each thing."""
    process = await asyncio.create_subprocess_exec(
        ROOT / "scripts/doctor",
        cwd=home,
        env=clean_environment(home)
        | {"DATABASE_URL": f"sqlite:///{home}/pushlog.db", "GITHUB_API_URL": NOBODY}
        | env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    lines = output.decode().splitlines()
    return process.returncode, {line[6:].partition(": ")[0]: line for line in lines}


def storage(folder: Path) -> dict[str, str]:
    """The findings about the data in `folder`."""
    settings = read_settings({"DATABASE_URL": f"sqlite:///{folder}/pushlog.db"})
    return {each.what: each.line() for each in examine_storage(settings)}


async def test_beside_a_running_server_everything_is_well_and_nothing_is_sent(
    tmp_path: Path,
) -> None:
    async with (
        FakeSlack() as slack,
        FakeGitHub() as github,
        FakeSmtp(login=("ada", "s3cret")) as smtp,
        running_server(
            tmp_path, env={"HOST": "127.0.0.9", "BACKUP_FOLDER": f"{tmp_path}/backups"}
        ) as server,
    ):
        await server.log.wait_for("Made a backup")
        code, found = await run(
            tmp_path,
            BACKUP_FOLDER=f"{tmp_path}/backups",
            SENTRY_WEBHOOK_SECRET="s",
            INCIDENT_WEBHOOK_SECRET="s",
            GITHUB_WEBHOOK_SECRET="s",
            SLACK_API_URL=slack.api_url,
            SLACK_BOT_TOKEN=slack.token,
            SLACK_CHANNEL="#alerts",
            GITHUB_API_URL=github.url,
            GITHUB_TOKEN=github.token,
            SMTP_HOST="localhost",
            SMTP_PORT=str(smtp.port),
            SMTP_SECURITY="none",
            SMTP_USER="ada",
            SMTP_PASS="s3cret",
            SMTP_FROM="pushlog@acme.example",
            # No address of the loopback that people use.
            PUBLIC_URL=server.url,
        )
        assert [line for line in found.values() if not line.startswith("ok")] == []
        assert code == 0
        assert slack.calls == ["auth.test"]
        assert smtp.mails == []
        assert f"the running server (process {server.pid})" in found["journal"]
        assert "starts and answers" in found["engine"]
        assert server.log.matching("ended|not writable") == []
        assert await server.interrupt() == 0
    assert "no server is using it" in storage(tmp_path)["journal"]


async def test_each_thing_that_does_not_work_fails_with_what_to_do(tmp_path: Path) -> None:
    async with FakeSlack() as slack, FakeGitHub() as github:
        code, found = await run(
            tmp_path,
            SLACK_API_URL=slack.api_url,
            SLACK_BOT_TOKEN="xoxb-wrong",
            SLACK_CHANNEL="#alerts",
            GITHUB_API_URL=github.url,
            GITHUB_TOKEN="wrong",
            SMTP_HOST="127.0.0.1",
            SMTP_PORT="1",
            SMTP_FROM="pushlog@acme.example",
            INCIDENT_ENGINE_BIN="/nonexistent/engine",
        )
    assert code == 1
    for what, words in {
        "Slack": "Slack does not know SLACK_BOT_TOKEN",
        "GitHub": "GITHUB_TOKEN is wrong or has expired: create a new one",
        "mail": "Check SMTP_PORT",
        "engine": "cannot start /nonexistent/engine: No such file",
    }.items():
        assert found[what].startswith("FAIL")
        assert words in found[what]
    assert found["links"].startswith("warn")


async def test_wrong_settings_fail_with_their_rule_and_nothing_else_is_examined(
    tmp_path: Path,
) -> None:
    code, found = await run(tmp_path, PORT="many", HEARTBEAT_URL="ftp://x")
    assert code == 1
    assert list(found) == ["settings"]
    assert "must be an http or https URL" in found["settings"]


async def test_a_new_installation_without_a_network_fails_in_nothing(tmp_path: Path) -> None:
    code, found = await run(tmp_path, SLACK_WEBHOOK_URL="https://chat.acme.example/hooks/secret")
    assert code == 0
    assert found["webhooks"].startswith("warn")
    assert found["main database"].startswith("warn")
    assert found["Slack"].startswith("warn")
    assert "no server to compare it with can be reached" in found["clock"]
    assert "secret" not in found["Slack"]
    assert not any(await asyncio.to_thread(os.listdir, tmp_path))


async def test_a_misspelt_name_and_a_readable_secret_in_the_env_file_are_noticed(
    tmp_path: Path,
) -> None:
    file = tmp_path / "prod.env"
    file.write_text("SENTRY_WEBHOK_SECRET=s\n")
    file.chmod(0o600)
    _, found = await run(tmp_path, PUSHLOG_ENV_FILE=str(file))
    assert found["env file"].startswith("warn")
    assert "SENTRY_WEBHOK_SECRET" in found["env file"]
    file.write_text("SENTRY_WEBHOOK_SECRET=s\n")
    file.chmod(0o644)
    _, found = await run(tmp_path, PUSHLOG_ENV_FILE=str(file))
    assert found["env file"].endswith(f"chmod 600 {file}")


def test_a_damaged_database_fails(tmp_path: Path) -> None:
    path = tmp_path / "pushlog.db"
    make_database(path)
    assert storage(tmp_path)["main database"].startswith(
        "ok    main database: intact, with the new"
    )
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(content)
    assert storage(tmp_path)["main database"].startswith("FAIL")


@pytest.mark.parametrize(
    ("version", "verdict", "words"),
    [("0001", "warn", "the next start brings it"), ("9999", "FAIL", "belongs to a newer PushLog")],
)
def test_an_old_schema_is_named_and_a_newer_one_fails(
    tmp_path: Path, version: str, verdict: str, words: str
) -> None:
    path = tmp_path / "pushlog.db"
    make_database(path)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.close()
    line = storage(tmp_path)["main database"]
    assert line.startswith(verdict)
    assert words in line


@pytest.mark.parametrize(("mode", "verdict"), [(0o700, "ok"), (0o755, "warn"), (0o777, "FAIL")])
def test_a_data_folder_that_others_can_use_is_noticed(
    tmp_path: Path, mode: int, verdict: str
) -> None:
    tmp_path.chmod(mode)
    assert storage(tmp_path)["data folder"].startswith(verdict)


@pytest.mark.parametrize(
    ("off_s", "verdict", "way"),
    [
        (0, "ok", "agrees with"),
        (60, "warn", "behind"),
        (-60, "warn", "ahead of"),
        (3600, "FAIL", "behind"),
    ],
)
async def test_a_clock_that_goes_wrong_is_noticed(
    aiohttp_server: AiohttpServer, off_s: int, verdict: str, way: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        date = datetime.now(UTC) + timedelta(seconds=off_s)
        return web.Response(headers={"Date": format_datetime(date, usegmt=True)})

    app = web.Application()
    app.router.add_get("/", answer)
    server = await aiohttp_server(app)
    settings = read_settings({"GITHUB_API_URL": str(server.make_url("/"))})
    async with aiohttp.ClientSession() as session:
        found = await examine_clock(session, settings)
    assert found.verdict == verdict
    assert way in found.text


def test_a_line_holds_nothing_that_a_terminal_obeys() -> None:
    assert warn("engine", "odd\x1b[31m\nwords").line() == r"warn  engine: odd\x1b[31m\nwords"


async def test_a_trouble_and_a_backup_that_is_missing_are_told(tmp_path: Path) -> None:
    make_database(tmp_path / "pushlog.db")
    settings = read_settings(
        {"DATABASE_URL": f"sqlite:///{tmp_path}/pushlog.db", "BACKUP_FOLDER": f"{tmp_path}/b"}
    )

    def found() -> dict[str, str]:
        return {each.what: each.line() for each in examine_storage(settings)}

    assert found()["trouble"] == "ok    trouble: the server has noticed none in itself"
    assert found()["backups"].startswith("warn  backups: there is none in ")
    async with open_database(tmp_path / "pushlog.db") as database, database.write() as tx:
        await troubles.begin(
            tx, kind="queue", severity="error", title="Events wait", text="too long", at=0
        )
    assert found()["trouble"].startswith("warn  trouble: Events wait: too long. ")
    old = datetime.now(UTC) - timedelta(hours=30)
    (tmp_path / "b" / f"pushlog-{old:%Y%m%dT%H%M%S}.000Z").mkdir(parents=True)
    assert "is 30 h old: the server's log says why" in found()["backups"]


@pytest.mark.parametrize(
    ("status", "body", "verdict", "words"),
    [
        (200, '{"status":"ok"}', "ok", "leads to PushLog"),
        (503, '{"status":"down"}', "ok", "leads to PushLog"),
        (502, "<html>Bad Gateway", "FAIL", "the proxy at http://127.0.0.9"),
        (200, "<html>It works!", "FAIL", "something else than PushLog answers"),
        (301, "", "warn", "set PUBLIC_URL to where it leads"),
    ],
)
async def test_the_way_in_is_tried_from_outside(
    status: int, body: str, verdict: str, words: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        headers = {"Location": "/elsewhere"} if status == 301 else {}
        return web.Response(status=status, text=body, headers=headers)

    app = web.Application()
    app.router.add_get("/health", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.9", 0).start()
    found = await examine_way_in(f"http://127.0.0.9:{runner.addresses[0][1]}")
    await runner.cleanup()
    assert found.verdict == verdict
    assert words in found.text


async def test_a_way_in_that_leads_nowhere_is_told_and_this_machine_needs_none() -> None:
    assert (await examine_way_in("http://127.0.0.9:1")).verdict == "warn"
    assert (await examine_way_in("http://localhost:3000")).text.startswith("not checked")
