"""Runs a server for an hour under all that comes in a year, and shows whether anything of it grows.

Webhooks come at a steady pace: of old issues, of new ones that are resolved after a minute, and
deploys. Retention runs with days of 20 seconds, so that events go after 10 minutes and incidents
after 15. The engine remembers 300 issues, so that it soon begins to forget the oldest. It is killed
every two minutes, a backup is made every five, and 20 readers follow their bell live. At the end,
every webhook that was answered with 202 must have been recorded.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from scripts.commands.benchmarks.backups import back_up
from scripts.commands.benchmarks.reader_token import TOKEN, give_token
from scripts.commands.benchmarks.steady_load import Sent, steady_load
from scripts.commands.chaos import checks
from scripts.commands.chaos.progress import newest_entry, number, recorded_seq
from scripts.commands.chaos.server_process import Server
from scripts.commands.soak.load import Load
from scripts.commands.soak.plot import draw
from scripts.commands.soak.readings import Reading, growth, look
from server.storage.database import migrate, open_database
from server.storage.journal.journal import open_journal
from shared.pipe import Settings

_ENGINE = (sys.executable, "-m", "engine")
_DAY_S = 20
_SETTINGS = {"RETENTION_DAYS": "30", "RETENTION_INCIDENT_DAYS": "45"}
_MAX_ISSUES = 300
_STREAMS = 20
_LOOK_EVERY_S = 10.0
_LEAST_LOOKS = 8
_KILL_EVERY_S = 120.0
_BACKUP_EVERY_S = 300.0
_AGAIN_S = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Print how fast things grow; return 1 if a webhook was lost."""
    options = _parser().parse_args(arguments)
    if options.plot and not shutil.which("gnuplot"):
        print("gnuplot is not installed (apt-get install gnuplot-nox)", file=sys.stderr)
        return 2
    print(__doc__)
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pushlog-soak-") as folder:
        soak = Soak(Path(folder), options.minutes, options.per_second)
        asyncio.run(soak.run())
        is_whole = soak.tell()
    if options.plot:
        draw(soak.readings, options.plot)
    return 0 if is_whole else 1


class Soak:
    """One run: the server, and all that is done to it."""

    def __init__(self, folder: Path, minutes: float, per_second: float) -> None:
        self.readings: list[Reading] = []
        self._minutes = minutes
        self._per_second = per_second
        short_days = (sys.executable, "-m", "scripts.commands.soak.short_days", str(_DAY_S))
        self._server = Server(folder, _ENGINE, _SETTINGS, short_days)
        self._sent: list[Sent] = []
        self._kills = 0
        self._backups = 0
        self._heard = 0

    async def run(self) -> None:
        """Run it to its end. Raises `RuntimeError` if the server ends by itself."""
        await asyncio.to_thread(migrate, self._server.database)
        async with open_database(self._server.database) as database, database.write() as tx:
            await give_token(tx)
        async with open_journal(self._server.journal) as journal:
            await journal.append([Settings(max_issues=_MAX_ISSUES)], None)
        async with self._server.running():
            beside = [
                *(asyncio.create_task(self._listen()) for _ in range(_STREAMS)),
                asyncio.create_task(self._kill_engines()),
                asyncio.create_task(self._make_backups()),
            ]
            load = Load(seed=1)
            async with steady_load(self._server.url, self._per_second, load.make) as self._sent:
                await self._look()
            for task in beside:
                task.cancel()
            for ended in await asyncio.gather(*beside, return_exceptions=True):
                if not isinstance(ended, asyncio.CancelledError):
                    raise RuntimeError("the soak was not whole") from ended
            await checks.news_is_out(self._server.journal, self._server.database)

    def tell(self) -> bool:
        """Print the tables; return whether every accepted webhook was recorded."""
        journal, database = self._server.journal, self._server.database
        took = sorted(1000 * each.took_s for each in self._sent if each.accepted)
        appended = newest_entry(journal)
        recorded = recorded_seq(database)
        found = {
            "webhooks sent": len(self._sent),
            "accepted": len(took),
            "appended": appended,
            "recorded": recorded,
            "still kept": number(journal, "SELECT count(*) FROM entries"),
            "incidents kept": number(database, "SELECT count(*) FROM incidents"),
            "engines killed": self._kills,
            "backups": self._backups,
            "messages to readers": self._heard,
            "dead letters": number(database, "SELECT count(*) FROM dead_letters"),
            "troubles": number(database, "SELECT count(*) FROM troubles"),
        }
        print(f"\n{growth(self.readings)}\n")
        print(", ".join(f"{name} {count:,}" for name, count in found.items()))
        print(
            f"answers: p50 {took[len(took) // 2]:.1f} ms, "
            f"p99 {took[len(took) * 99 // 100]:.1f} ms, slowest {took[-1]:.0f} ms"
        )
        return recorded == appended >= len(took)

    async def _look(self) -> None:
        started, told = time.monotonic(), 0
        every_s = min(_LOOK_EVERY_S, 60 * self._minutes / _LEAST_LOOKS)
        while (passed := time.monotonic() - started) < 60 * self._minutes:
            await asyncio.sleep(every_s - passed % every_s)
            slowest_ms = max((1000 * each.took_s for each in self._sent[told:]), default=0.0)
            told = len(self._sent)
            minutes = (time.monotonic() - started) / 60
            self.readings.append(await asyncio.to_thread(look, self._server, minutes, slowest_ms))

    async def _kill_engines(self) -> None:
        while True:
            await asyncio.sleep(_KILL_EVERY_S)
            for pid in self._server.engines():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self._kills += 1

    async def _make_backups(self) -> None:
        while True:
            await asyncio.sleep(_BACKUP_EVERY_S)
            await back_up(self._server)
            self._backups += 1

    async def _listen(self) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"{self._server.url}/api/notifications/stream") as response:
                        response.raise_for_status()
                        async for line in response.content:
                            self._heard += line.startswith(b"data:")
                await asyncio.sleep(_AGAIN_S)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--per-second", type=float, default=20.0, help="webhooks")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw it (needs gnuplot)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
