"""Measures how long pages and API take when there are many incidents and many events.

Each address is asked in turn, round by round, and so is the floor: the style sheet of the pages,
which the server has in memory. Times are those of a program on the same machine, from the request
to the whole answer.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import aiohttp

from scripts.commands.benchmarks.history import FIRST, OPEN, fill
from scripts.commands.benchmarks.reader_token import TOKEN
from scripts.commands.chaos.server_process import Server

_ENGINE = (sys.executable, "-m", "engine")
_FLOOR = "/static/pushlog.css"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of the times."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="pushlog-pages-") as folder:
        asyncio.run(_measure(Path(folder), options.incidents, options.events, options.rounds))
    return 0


async def _measure(folder: Path, count: int, events: int, rounds: int) -> None:
    server = Server(folder, _ENGINE)
    started = time.monotonic()
    await fill(server, count, events)
    print(
        f"{count:,} incidents, {OPEN} of them open, and {events:,} events, "
        f"made in {time.monotonic() - started:.0f} s\n"
    )
    async with server.running():
        times = await ask_for_all(server.url, rounds)
    floor = median(times["the floor"])
    print("| what | median | slowest of a hundred | times the floor |\n|---|---|---|---|")
    for name, found in times.items():
        slow = sorted(found)[int(0.99 * (len(found) - 1))]
        ratio = median(found) / floor
        print(f"| {name} | {median(found) * 1e3:.1f} ms | {slow * 1e3:.1f} ms | {ratio:.1f} |")


async def ask_for_all(url: str, rounds: int) -> dict[str, list[float]]:
    """Return how long each page took in each round, in seconds, by what it shows."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(url, headers=headers) as session:
        addresses = await _addresses(session)
        times: dict[str, list[float]] = {name: [] for name in addresses}
        for _ in range(rounds):
            for name, address in addresses.items():
                times[name].append(await _time(session, address))
    return times


async def _addresses(session: aiohttp.ClientSession) -> dict[str, str]:
    """Return what is asked for, by what it shows."""
    before = ""
    for _ in range(100):
        address = f"/api/incidents?limit=200{f'&before={before}' if before else ''}"
        async with session.get(address) as response:
            page = await response.json()
        before = page["next"] or before
    one = page["incidents"][0]["incident_id"]
    return {
        "the floor": _FLOOR,
        "the list": "/incidents",
        "the list, open ones": "/incidents?state=open",
        "the list, far back": f"/incidents?state=ended&before={before}",
        "the list, one service": "/incidents?service=service-7",
        "the list, a filter that matches nothing": "/incidents?service=none&trigger=spike",
        "the list, a search": "/incidents?text=error77",
        "the list, a search that finds very many": "/incidents?text=negative",
        "the list, a search that finds nothing": "/incidents?text=nowhere",
        "one incident": f"/incidents/{one}",
        "the API, 50 incidents": "/api/incidents",
        "one event": "/events/1",
        "the webhooks": "/deliveries/incoming",
        "the first event, by its id": f"/api/webhooks?id={FIRST}",
        "an id that nothing has": "/api/webhooks?id=nothing",
    }


async def _time(session: aiohttp.ClientSession, address: str) -> float:
    begin = time.perf_counter()
    async with session.get(address) as response:
        await response.read()
        if response.status != 200:
            raise RuntimeError(f"{address} answered {response.status}")
    return time.perf_counter() - begin


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/pages", description=__doc__)
    parser.add_argument("--incidents", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    return parser


if __name__ == "__main__":
    sys.exit(main())
