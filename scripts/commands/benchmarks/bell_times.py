"""Measures how long after a webhook of a new error the bell rings, while other webhooks come.

A process sends events of 1,000 known issues at a steady pace, over 32 connections. Each fiftieth is
a new error, of which everybody hears. The time is from the moment at which the sender begins to
send it until a reader of the stream of notifications has it. `bare` is a handler that stores
nothing and writes to the stream at once. The two take turns; the table shows the medians of the
rounds and, where it says so, the worst.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles

import aiohttp

from scripts.commands.benchmarks.bell_floor import ringing
from scripts.commands.benchmarks.reader_token import TOKEN, give_token
from scripts.commands.chaos.server_process import Server
from server.storage.database import migrate, open_database

_ENGINE = (sys.executable, "-m", "engine")
_NUMBER = re.compile(rb"number (\d+)")
_LAST_S = 2.0
"""How long to wait for what is still to come when all was sent."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table."""
    options = _parser().parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 2, 8.0
    print(__doc__)
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}\n")
    asyncio.run(_measure(options))
    return 0


async def _measure(options: argparse.Namespace) -> None:
    times: dict[str, list[list[float]]] = {"bare": [], "PushLog": []}
    for _ in range(options.rounds):
        async with ringing() as url:
            times["bare"].append(await _round(url, options))
        async with _server(options.readers) as url:
            times["PushLog"].append(await _round(url, options))
    print(f"{options.rate:.0f} webhooks a second, {options.readers} readers, milliseconds")
    print("             p50  worst p50      p99  worst p99   longest")
    for name, rounds in times.items():
        middle = [median(each) * 1e3 for each in rounds]
        late = [quantiles(each, n=100)[-1] * 1e3 for each in rounds]
        print(
            f"{name:8} {median(middle):7.1f} {max(middle):10.1f} {median(late):8.1f} "
            f"{max(late):10.1f} {max(max(each) for each in rounds) * 1e3:9.1f}"
        )
    ratio = median(map(median, times["PushLog"])) / median(map(median, times["bare"]))
    print(f"\nPushLog's median is {ratio:.1f} times that of bare.")


@asynccontextmanager
async def _server(readers: int) -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="pushlog-bell-") as folder:
        server = Server(Path(folder), _ENGINE)
        migrate(server.database)
        async with open_database(server.database) as database, database.write() as tx:
            await give_token(tx)
        async with server.running(), asyncio.TaskGroup() as group:
            others = [group.create_task(_read(server.url, {})) for _ in range(readers - 1)]
            yield server.url
            for each in others:
                each.cancel()


async def _round(url: str, options: argparse.Namespace) -> list[float]:
    """Return the seconds from webhook to bell, of each new error but those of the first second."""
    heard: dict[int, float] = {}
    reading = asyncio.create_task(_read(url, heard))
    await asyncio.sleep(0.5)
    command = ["-m", "scripts.commands.benchmarks.bell_load", url]
    numbers = [str(options.rate), str(options.seconds), str(options.every)]
    load = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, *numbers), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await load.communicate()
    if load.returncode:
        raise RuntimeError("the load failed")
    sent = {int(number): float(at) for number, at in map(bytes.split, said.splitlines())}
    await asyncio.sleep(_LAST_S)
    reading.cancel()
    if missing := sent.keys() - heard.keys():
        raise RuntimeError(f"the bell did not ring for {len(missing)} of {len(sent)}")
    return [heard[number] - at for number, at in sent.items() if number > options.rate]


async def _read(url: str, heard: dict[int, float]) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    timeout = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(headers=headers, timeout=timeout) as http,
        http.get(f"{url}/api/notifications/stream") as answer,
    ):
        answer.raise_for_status()
        async for line in answer.content:
            if line.startswith(b"data:") and (found := _NUMBER.search(line)):
                heard.setdefault(int(found[1]), time.monotonic())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/bell", description=__doc__)
    parser.add_argument("--rate", type=float, default=500.0, help="webhooks a second")
    parser.add_argument("--every", type=int, default=50, help="each so many is a new error")
    parser.add_argument("--seconds", type=float, default=20.0, help="of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--readers", type=int, default=1, help="open streams")
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    return parser


if __name__ == "__main__":
    sys.exit(main())
