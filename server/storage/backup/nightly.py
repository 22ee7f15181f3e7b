"""Makes a backup each night, and soon after a start if the last night's is missing."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path

from server.process import log
from server.storage.backup.make import newest_backup

AT = time(3, 0)
"""By the machine's clock and time zone."""

LOOK_EVERY_S = 60.0
RETRY_AFTER = timedelta(hours=1)


def _now() -> datetime:
    return datetime.now().astimezone()


class Nightly:
    """Keeps the newest `keep` backups of `database`, and its journal, in `folder`."""

    def __init__(
        self, database: Path, folder: Path, keep: int, now: Callable[[], datetime] = _now
    ) -> None:
        """Set up the backups; `now` is in the time zone of the machine."""
        self._database = database
        self._folder = folder.absolute()
        self._keep = keep
        self._now = now
        self._failed_at: datetime | None = None
        self.failure: str | None = None
        """Why the last try failed, until one succeeds."""
        self.last: datetime | None = None
        """When the newest backup was made."""

    async def run(self) -> None:
        """Make a backup whenever one is due, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Make a backup if one is due."""
        try:
            self.last = newest_backup(self._folder)
            if is_due(self._now(), self.last, self._failed_at):
                await self._back_up()
                self.last = newest_backup(self._folder)
        except OSError as error:
            self._fail(str(error))

    async def _back_up(self) -> None:
        # As a process, because it can be niced, and killed when the server stops.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server.storage.backup", self._folder, str(self._keep)),
            # What the server read at its start, whatever the env file says by now.
            env=os.environ
            | {
                "DATABASE_URL": f"sqlite:///{self._database.absolute()}",
                "PUSHLOG_ENV_FILE": os.devnull,
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        lines = output.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        if process.returncode != 0:
            self._fail(lines[-1])
            return
        self.failure = self._failed_at = None
        log.server(logging.INFO, f"Made a backup, {lines[-1]}")

    def _fail(self, reason: str) -> None:
        now = self._now()
        if self._failed_at is None or now - self._failed_at >= RETRY_AFTER:
            self._failed_at = now
            log.server(logging.ERROR, f"no backup was made: {reason}; again in an hour")
        self.failure = reason


def is_due(now: datetime, last: datetime | None, failed_at: datetime | None) -> bool:
    """Return whether there is no backup since `AT` of the last night, nor a try in the last hour.

    `last` is when the newest backup was made, `failed_at` when the last try failed.
    """
    if failed_at is not None and now - failed_at < RETRY_AFTER:
        return False
    tonight = datetime.combine(now.date(), AT, now.tzinfo)
    last_night = tonight if tonight <= now else tonight - timedelta(days=1)
    return last is None or last < last_night
