"""`scripts/upgrade` of a deployment under the real pm2: forward, and back when that goes wrong."""

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from server.storage.schema import REVISIONS, read_revision
from tests.processes import ROOT, clean_environment
from tests.whole.test_pm2 import PM2, Pm2, listening, needs_pm2, post, sentry_alert

pytestmark = needs_pm2

FILES = (
    *("engine", "server", "shared", "scripts", "ecosystem.config.js", "CHANGELOG.md"),
    *("requirements.lock", "requirements-test.lock", ".gitignore"),
)
"""What a deployment runs."""

GIT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@acme.example",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
GIT |= {
    name.replace("AUTHOR", "COMMITTER"): value for name, value in GIT.items() if "AUTHOR" in name
}

MIGRATION = f'''
"""Keep more."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{int(REVISIONS[-1]) + 1:04}", "{REVISIONS[-1]}"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table("more", sa.Column("id", sa.Integer(), primary_key=True))
'''


class Deployment:
    """A clone of an origin, in which a team makes new versions."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.origin, self.clone = folder / "origin", folder / "clone"
        self.origin.mkdir()
        for name in FILES:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, self.origin / name, ignore=ignored)
            else:
                shutil.copy(ROOT / name, self.origin / name)
        self.change("ecosystem.config.js", "String(port)", "'0'")
        self.git("init", "--quiet", "--initial-branch=main", at=self.origin)
        self.release("The first version")
        self.git("clone", "--quiet", self.origin, self.clone, at=folder)
        (self.clone / ".venv").symlink_to(ROOT / ".venv")
        self.pm2 = Pm2(home, self.clone, is_checkout=True)
        self.pm2.set_env_file("prod")
        self.data = self.clone / "data/prod"

    def git(self, *arguments: str | Path, at: Path) -> str:
        environment = clean_environment(at) | GIT
        return subprocess.run(
            ["git", *arguments], cwd=at, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    def change(self, path: str, before: str, after: str) -> None:
        text = (self.origin / path).read_text()
        assert before in text
        (self.origin / path).write_text(text.replace(before, after, 1))

    def release(self, message: str) -> None:
        self.git("add", "--all", at=self.origin)
        self.git("commit", "--quiet", "--message", message, at=self.origin)

    def version(self) -> str:
        return self.git("log", "-1", "--format=%s", at=self.clone)

    def upgrade(self) -> tuple[int, str]:
        done = subprocess.run(
            [self.clone / "scripts/upgrade"],
            env=clean_environment(self.pm2.home)
            | GIT
            | {"PATH": f"{PM2.parent}:{os.environ['PATH']}", "PM2_HOME": str(self.pm2.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with tempfile.TemporaryDirectory(prefix="pm2-", ignore_cleanup_errors=True) as home:
        deployment = Deployment(tmp_path, Path(home))
        try:
            deployment.pm2.run("start", "ecosystem.config.js", "--only", "pushlog-prod")
            yield deployment
        finally:
            deployment.pm2.end()


async def test_the_newest_version_runs_after_a_backup_without_a_restart(
    deployment: Deployment,
) -> None:
    pm2 = deployment.pm2
    deployment.change(
        "CHANGELOG.md", "## Unreleased\n\n", "## Unreleased\n\n- [CHANGE] Mind this.\n"
    )
    version = re.findall(r'VERSION = "(.*)"', (ROOT / "shared/version.py").read_text())[0]
    deployment.change("shared/version.py", version, "99.0.0")
    deployment.release("The second version")
    async with pm2.following("pushlog-prod") as log:
        url = await listening(log)
        before = pm2.described("pushlog-prod")["restart_time"]
        code, said = deployment.upgrade()
        assert code == 0, said
        assert "CHANGE: Mind this." in said
        await log.wait_for(r"pushlog 99\.0\.0 has its \d+ states")
        assert await post(f"{url}/api/webhooks/sentry", sentry_alert("OutOfStock")) == 202
        assert pm2.described("pushlog-prod")["restart_time"] == before
    assert deployment.version() == "The second version"
    assert len(list((deployment.data / "before-upgrade").glob("pushlog-*"))) == 1
    assert deployment.upgrade() == (0, "upgrade: this is the newest version already\n")


async def test_a_version_that_cannot_start_is_left_and_nothing_is_restarted(
    deployment: Deployment,
) -> None:
    pm2 = deployment.pm2
    deployment.change("server/main.py", "import asyncio", "import asyncio, nowhere_at_all")
    deployment.release("A broken version")
    async with pm2.following("pushlog-prod") as log:
        url = await listening(log)
        since = log.position()
        code, said = deployment.upgrade()
        assert code == 1
        assert "it cannot start with these settings: going back to" in said
        assert "the version from before goes on" in said
        assert await post(f"{url}/api/webhooks/sentry", sentry_alert("OutOfStock")) == 202
        assert not log.matching("Listening", since=since)
    assert deployment.version() == "The first version"


async def test_a_version_that_dies_after_its_migration_is_undone_and_no_event_is_lost(
    deployment: Deployment,
) -> None:
    pm2 = deployment.pm2
    versions = deployment.origin / "server/storage/migrations/versions"
    (versions / f"{int(REVISIONS[-1]) + 1:04}_keep_more.py").write_text(MIGRATION.lstrip())
    deployment.change(
        "server/main.py", "    app = build_app(settings)\n", "    raise RuntimeError('broken')\n"
    )
    deployment.release("A worse version")
    async with pm2.following("pushlog-prod") as log:
        url = await listening(log)
        assert await post(f"{url}/api/webhooks/sentry", sentry_alert("OutOfStock")) == 202
        await log.wait_for("incident inc-")
        since = log.position()
        code, said = deployment.upgrade()
        assert code == 1, said
        assert "it did not start: going back to" in said
        assert "The journal stays" in said
        again = await listening(log, since)
    assert deployment.version() == "The first version"
    assert read_revision(deployment.data / "pushlog.db") == REVISIONS[-1]
    async with aiohttp.ClientSession() as http, http.get(f"{again}/health") as health:
        assert health.status == 200
    for name, query in (
        ("pushlog-journal.db", "FROM entries WHERE CAST(body AS TEXT) LIKE '%OutOfStock%'"),
        ("pushlog.db", "FROM incidents"),
    ):
        with contextlib.closing(sqlite3.connect(deployment.data / name)) as database:
            assert database.execute(f"SELECT count(*) {query}").fetchone() == (1,), name


async def test_changed_files_and_own_commits_are_not_touched(deployment: Deployment) -> None:
    (deployment.clone / "CHANGELOG.md").write_text("mine")
    code, said = deployment.upgrade()
    assert code == 1
    assert "files of this checkout were changed" in said
    deployment.git("commit", "--quiet", "--all", "--message", "Mine", at=deployment.clone)
    deployment.change("CHANGELOG.md", "# Changelog", "# Changes")
    deployment.release("The second version")
    code, said = deployment.upgrade()
    assert code == 1
    assert "this checkout has commits that the newest version has not" in said
    assert deployment.version() == "Mine"
