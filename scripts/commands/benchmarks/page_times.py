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
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import aiohttp

from scripts.commands.benchmarks.reader_token import TOKEN, give_token
from scripts.commands.chaos.server_process import Server
from server.storage.database import Database, Transaction, migrate, open_database
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import (
    checkpoints,
    decisions,
    incident_hours,
    incidents,
)
from server.storage.times import micros_now, to_micros
from shared.decisions import Code
from shared.event import Frame
from shared.incident import Symptom
from shared.pipe import Decision, EventEntry, Incident, IncidentEnded

_ENGINE = (sys.executable, "-m", "engine")
_FLOOR = "/static/pushlog.css"
_BATCH = 2_000
_OPEN = 200
_SERVICES = 20
_FIRST = "f" * 32
"""The id of the oldest event."""

_TRACE = [
    Frame(file=f"shop/module_{number}.py", function=f"function_{number}", line=number, in_app=True)
    for number in range(12)
]


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
    await _fill(server, count, events)
    print(
        f"{count:,} incidents, {_OPEN} of them open, and {events:,} events, "
        f"made in {time.monotonic() - started:.0f} s\n"
    )
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with server.running(), aiohttp.ClientSession(server.url, headers=headers) as session:
        addresses = await _addresses(session)
        times: dict[str, list[float]] = {name: [] for name in addresses}
        for _ in range(rounds):
            for name, address in addresses.items():
                times[name].append(await _time(session, address))
        # The oldest of all: what is looked for in vain costs as much.
        times["the first event, by its id"] = [
            await _time(session, f"/api/webhooks?id={_FIRST}") for _ in range(3)
        ]
    floor = median(times["the floor"])
    print("| what | median | slowest of a hundred | times the floor |\n|---|---|---|---|")
    for name, found in times.items():
        slow = sorted(found)[int(0.99 * (len(found) - 1))]
        ratio = median(found) / floor
        print(f"| {name} | {median(found) * 1e3:.1f} ms | {slow * 1e3:.1f} ms | {ratio:.1f} |")


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
    }


async def _time(session: aiohttp.ClientSession, address: str) -> float:
    begin = time.perf_counter()
    async with session.get(address) as response:
        await response.read()
        if response.status != 200:
            raise RuntimeError(f"{address} answered {response.status}")
    return time.perf_counter() - begin


async def _fill(server: Server, count: int, events: int) -> None:
    await asyncio.to_thread(migrate, server.database)
    async with open_database(server.database) as database:
        async with database.write() as tx:
            await give_token(tx)
        for first in range(0, count, _BATCH):
            async with database.write() as tx:
                for number in range(first, min(first + _BATCH, count)):
                    await _add(tx, number, is_open=number >= count - _OPEN)
        async with open_journal(server.journal) as journal:
            for first in range(0, events, _BATCH):
                await _decided(database, journal, first, min(_BATCH, events - first), count)


async def _decided(
    database: Database, journal: Journal, first: int, size: int, incident_count: int
) -> None:
    """Add `size` events, each of an incident, as if the engine had decided on them."""
    entries = [_event(number) for number in range(first, first + size)]
    seqs = (await journal.append(entries, None)).seqs
    made = [Decision(seq, Code.IN_INCIDENT, f"inc-{seq % incident_count:016x}", {}) for seq in seqs]
    hour = micros_now() // incident_hours.HOUR_US
    by_hour = Counter((f"inc-{seq % incident_count:016x}", hour - seq % 24) for seq in seqs)
    async with database.write() as tx:
        await decisions.store(tx, made)
        await incident_hours.count(tx, by_hour)
        await checkpoints.set_recorded(tx, seqs[-1])
        await checkpoints.store(tx, seqs[-1], [])


def _event(number: int) -> EventEntry:
    return EventEntry(
        source="sentry",
        service=f"service-{number % _SERVICES}",
        environment="production",
        timestamp=datetime.now(UTC),
        severity="error",
        exception_type=f"Error{number % 5_000}",
        message=f"price {number} of sku-{number % 977} is negative",
        stacktrace=_TRACE,
        event_id=_FIRST if number == 0 else f"{number:032x}",
    )


async def _add(tx: Transaction, number: int, *, is_open: bool) -> None:
    began = datetime.now(UTC) - timedelta(minutes=200_000 - number)
    name, message = f"Error{number % 5_000}", f"price {number} of sku-{number % 977} is negative"
    incident = Incident(
        seq=number + 1,
        change="opened",
        incident_id=f"inc-{number:016x}",
        title=f"{name}: {message}",
        source="sentry",
        service=f"service-{number % _SERVICES}",
        environment="production" if number % 3 else "staging",
        severity="error" if number % 10 else "critical",
        priority_score=number % 100,
        trigger="new_issue" if number % 7 else "regression",
        trigger_numbers={"environment": "production"},
        exception_type=name,
        message=message,
        start_time=began,
        last_seen=began,
        peak_time=began,
        top_symptoms=[Symptom(f"{number:016x}", name, message, 1)],
    )
    await incidents.put(tx, incident)
    await incidents.add_change(
        tx, incident.incident_id, incident.seq, "opened", to_micros(began), "It is new."
    )
    if not is_open:
        await incidents.end(tx, IncidentEnded(incident.incident_id, "it is quiet", began))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/pages", description=__doc__)
    parser.add_argument("--incidents", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    return parser


if __name__ == "__main__":
    sys.exit(main())
