"""PushLog under the real pm2, and the commands of the README's troubleshooting on its logs."""

import asyncio
import contextlib
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.processes import MARK, ROOT, Log, clean_environment, find_marked
from tests.waiting import LIMIT_S, limit

PM2 = ROOT / "tests/tools/node_modules/.bin/pm2"
COMMANDS = re.findall(r"^pm2 logs .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
OPERATIONS = (ROOT / "docs/OPERATIONS.md").read_text()
LOGROTATE = shutil.which("logrotate") or shutil.which("logrotate", path="/usr/sbin")
PORTS = {"pushlog-prod": 3000, "pushlog-staging": 3001}

needs_pm2 = [
    pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js, which is not there"),
    pytest.mark.skipif(
        not PM2.exists(), reason="needs pm2, which scripts/test installs where npm is there"
    ),
]
pytestmark = needs_pm2


class Pm2:
    """A pm2 of its own, with a copy of the deployment: same code, other ports, data of its own."""

    def __init__(self, home: Path, deployment: Path, *, is_checkout: bool = False) -> None:
        """A deployment that is a checkout already has all that it needs."""
        self.home = home
        self.deployment = deployment
        self.mark = uuid.uuid4().hex
        if is_checkout:
            return
        for name in ("engine", "server", "shared", ".venv"):
            (deployment / name).symlink_to(ROOT / name)
        shutil.copy(ROOT / "ecosystem.config.js", deployment / "pushlog.config.js")
        # The ports of a real PushLog on this machine are not ours to take.
        (deployment / "ecosystem.config.js").write_text(
            "const config = require('./pushlog.config.js');\n"
            "for (const app of config.apps) app.env.PORT = '0';\n"
            "module.exports = config;\n"
        )

    def set_env_file(self, stage: str, **variables: str) -> None:
        lines = [f"{name}={value}\n" for name, value in variables.items()]
        (self.deployment / f"{stage}.env").write_text("".join(["HOST=127.0.0.1\n", *lines]))

    def run(self, *arguments: str) -> str:
        return self.shell(" ".join(["pm2", *arguments]))

    def shell(self, command: str) -> str:
        """What `command` writes to stdout, run where an operator would; fails where it fails."""
        # Through a file: pm2's daemon keeps what it inherits open for as long as it lives.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                cwd=self.deployment,
                env={
                    **clean_environment(self.home),
                    "PATH": f"{PM2.parent}:{os.environ['PATH']}",
                    "PM2_HOME": str(self.home),
                    MARK: self.mark,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=LIMIT_S,
                check=False,
            )
            output.seek(0)
            text = output.read()
        assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{text}"
        return text

    def described(self, name: str) -> dict[str, Any]:
        # Before its answer pm2 may greet, or say that it starts its daemon.
        apps: list[dict[str, Any]] = json.loads(self.run("jlist", "--silent").splitlines()[-1])
        return next(dict(app["pm2_env"]) for app in apps if app["name"] == name)

    @contextlib.asynccontextmanager
    async def following(self, name: str) -> AsyncIterator[Log]:
        """The log of the app `name` from its beginning, as it grows."""
        path = self.home / "logs" / f"{name}-out.log"
        tail = await asyncio.create_subprocess_exec(
            *("tail", "-n", "+1", "-F", path),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert tail.stdout is not None
        log = Log()
        reader = asyncio.create_task(log.read(tail.stdout))
        try:
            yield log
        finally:
            tail.kill()
            await tail.wait()
            await reader

    def end(self) -> None:
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.run("kill")
        for pid in find_marked(self.mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def pm2(tmp_path: Path) -> Iterator[Pm2]:
    # The paths of pm2's sockets may not be longer than 107 bytes, as pytest's own folders are.
    with tempfile.TemporaryDirectory(prefix="pm2-", ignore_cleanup_errors=True) as home:
        pm2 = Pm2(Path(home), tmp_path)
        try:
            yield pm2
        finally:
            pm2.end()


async def listening(log: Log, since: int = 0) -> str:
    """Where the server of `log` can be reached."""
    found = await log.wait_for(r"\[server\] Listening on (http://\S+)", since=since)
    return found[1]


async def post(url: str, body: dict[str, object]) -> int:
    async with aiohttp.ClientSession() as http, http.post(url, json=body) as response:
        return response.status


def sentry_alert(exception_type: str) -> dict[str, object]:
    return {
        "action": "triggered",
        "data": {
            "event": {
                "event_id": uuid.uuid4().hex,
                "project": 1,
                "url": "https://sentry.example/api/0/projects/acme/shop/events/1/",
                "web_url": "https://sentry.example/organizations/acme/issues/1/events/1/",
                "environment": "production",
                "level": "error",
                "exception": {"values": [{"type": exception_type, "value": "out of stock"}]},
            },
            "triggered_rule": "Tell PushLog",
        },
    }


async def test_the_readmes_commands_show_what_became_of_a_webhook_under_pm2(pm2: Pm2) -> None:
    pm2.set_env_file("prod", INCIDENT_ENGINE_BIN="/nowhere/engine")
    pm2.run("start", "ecosystem.config.js", "--only", "pushlog-prod")
    async with pm2.following("pushlog-prod") as log:
        webhook = await listening(log) + "/api/webhooks/sentry"
        assert await post(webhook, sentry_alert("OutOfStock")) == 202
        assert await post(webhook, {"data": {"event": {}}}) == 400
        await log.wait_for("Sentry webhook error")

        # The engine is back after a restart, which reads prod.env again.
        pm2.set_env_file("prod")
        restarted = log.position()
        pm2.run("restart", "pushlog-prod")
        await listening(log, since=restarted)
        incident = await log.wait_for(r"\[incident-engine\] incident (inc-[0-9a-f]{16}) ")

    way, refused, engine = COMMANDS
    shown = pm2.shell(way)
    assert "[webhooks/sentry] Request received" in shown
    assert "[webhooks/sentry] Ingested: OutOfStock in shop/production" in shown
    assert f"[incident-engine] incident {incident[1]} (new_issue) shop/production: " in shown
    assert re.search(r"Sentry webhook error: .+", pm2.shell(refused))
    assert "[incident-engine] child not writable; event queued" in pm2.shell(engine)


async def test_the_docs_way_to_reload_keeps_the_process_and_reads_the_settings_again(
    pm2: Pm2,
) -> None:
    pm2.set_env_file("prod")
    pm2.run("start", "ecosystem.config.js", "--only", "pushlog-prod")
    async with pm2.following("pushlog-prod") as log:
        url = f"{await listening(log)}/api/webhooks/sentry"
        before = pm2.described("pushlog-prod")
        pm2.set_env_file("prod", SENTRY_WEBHOOK_SECRET="s3cret")
        (command,) = set(re.findall(r"^pm2 sendSignal .*$", OPERATIONS, re.MULTILINE))
        since = log.position()
        pm2.shell(command)
        assert await listening(log, since) == url.removesuffix("/api/webhooks/sentry")
        assert await post(url, sentry_alert("OutOfStock")) == 401
    after = pm2.described("pushlog-prod")
    for name in ("status", "restart_time", "pm_uptime"):
        assert after[name] == before[name]


async def test_a_setting_that_is_wrong_shows_in_the_status_and_why_in_the_log(pm2: Pm2) -> None:
    pm2.set_env_file("prod", RETENTION_DAYS="never")
    pm2.run("start", "ecosystem.config.js", "--only", "pushlog-prod")
    async with pm2.following("pushlog-prod") as log:
        await log.wait_for_count(r"cannot start: RETENTION_DAYS: must be a number of days", 3)
        # It is online only for the tenth of a second in which it finds out.
        async with limit():
            while (  # noqa: ASYNC110 - another process
                described := pm2.described("pushlog-prod")
            )["status"] != "waiting restart":
                await asyncio.sleep(0.05)
        assert described["exit_code"] == 2
        assert described["restart_time"] >= 2
        # Nobody has to start it once the setting is right.
        pm2.set_env_file("prod")
        await listening(log)


@pytest.mark.skipif(LOGROTATE is None, reason="needs Debian's logrotate")
async def test_logrotate_as_documented_loses_no_line_of_the_log(pm2: Pm2, tmp_path: Path) -> None:
    (config,) = re.findall(r"```logrotate\n(.*?)```", OPERATIONS, re.DOTALL)
    for documented, here in (
        ("/home/pushlog/.pm2", str(pm2.home)),
        ("    su pushlog pushlog\n", ""),
        ("su - pushlog -c 'pm2 reloadLogs'", "pm2 reloadLogs"),
    ):
        assert documented in config
        config = config.replace(documented, here)
    (tmp_path / "logrotate").write_text(config)
    rotate = f"{LOGROTATE} --force --state {tmp_path}/state {tmp_path}/logrotate"
    pm2.set_env_file("prod")
    pm2.run("start", "ecosystem.config.js", "--only", "pushlog-prod")
    logs = pm2.home / "logs"
    new, moved = logs / "pushlog-prod-out.log", logs / "pushlog-prod-out.log.1"
    async with pm2.following("pushlog-prod") as log:
        webhook = f"{await listening(log)}/api/webhooks/sentry"
        for number in range(3):
            pm2.shell(rotate)
            await post(webhook, sentry_alert(f"Error{number}"))
            # The file that is new now.
            await log.wait_for(rf"Ingested: Error{number} in")
            assert f"Error{number}" in new.read_text()
    assert f"Error{number - 1}" in moved.read_text()
    with gzip.open(logs / "pushlog-prod-out.log.2.gz", "rt") as older:
        assert f"Error{number - 2}" in older.read()


async def test_what_was_saved_is_there_again_after_a_resurrection(pm2: Pm2) -> None:
    pm2.set_env_file("prod")
    pm2.run("start", "ecosystem.config.js", "--only", "pushlog-prod")
    async with pm2.following("pushlog-prod") as log:
        await listening(log)
        pm2.run("save")
        # As after a reboot: nothing of pm2 or PushLog runs.
        pm2.run("kill")
        await log.wait_for(r"\[server\] Stopped")
        since = log.position()
        pm2.run("resurrect")
        url = await listening(log, since)
        assert await post(f"{url}/api/webhooks/sentry", sentry_alert("OutOfStock")) == 202


async def test_pm2_stops_it_in_order_and_production_and_staging_stand_beside_each_other(
    pm2: Pm2,
) -> None:
    pm2.set_env_file("prod")
    pm2.set_env_file("staging")
    pm2.run("start", "ecosystem.config.js")
    async with pm2.following("pushlog-prod") as prod, pm2.following("pushlog-staging") as staging:
        prod_url, staging_url = await listening(prod), await listening(staging)
        assert prod_url != staging_url
        assert await post(f"{staging_url}/api/webhooks/sentry", sentry_alert("OutOfStock")) == 202
        await staging.wait_for(r"\[incident-engine\] incident inc-")
        assert not prod.matching("webhooks/sentry")
        for stage in ("prod", "staging"):
            assert (pm2.deployment / "data" / stage / "pushlog.db").exists()

        pm2.run("stop", "pushlog-staging")
        await staging.wait_for(r"\[server\] Stopped")
        stopped = pm2.described("pushlog-staging")
        assert (stopped["status"], stopped["exit_code"]) == ("stopped", 0)
        assert pm2.described("pushlog-prod")["status"] == "online"


def test_every_app_has_the_port_that_the_docs_name() -> None:
    text = subprocess.run(
        ["node", "-p", "JSON.stringify(require('./ecosystem.config.js').apps)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert {app["name"]: int(app["env"]["PORT"]) for app in json.loads(text)} == PORTS
