"""Measures how long server and engine need to come back after a kill, and how much memory.

The states are copies of what the engine stores for one issue: a restore costs the same whatever the
issues went through. Each row has a database of its own, with entries that wait.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from scripts.commands.chaos.progress import newest_entry, number, recorded_seq
from scripts.commands.chaos.server_process import Server
from server.storage.database import Database, migrate, open_database
from server.storage.journal.journal import open_journal
from server.storage.main import checkpoints
from shared.pipe import (
    Checkpoint,
    Entry,
    EventEntry,
    Settings,
    State,
    decode_outbound,
    encode_lines,
)

_HEAD = "  issues  states  listening  first decision  all decided  engine back  server  engine"
_LINE = (
    "{issues:8}  {states_mb:3.0f} MB  {listening_s:7.2f} s  {first_decision_s:12.2f} s  "
    "{all_decided_s:9.2f} s  {engine_back_s:9.2f} s  {server_peak_mb:3.0f} MB  "
    "{engine_peak_mb:3.0f} MB"
)
_ENGINE = (sys.executable, "-m", "engine")
_STATES_A_TRANSACTION = 20_000
_LOOK_EVERY_S = 0.002
_TIMEOUT_S = 300.0


class Row(msgspec.Struct):
    """What was measured with one number of issues, in seconds and megabytes of 10^6 bytes."""

    issues: int
    states_mb: float
    listening_s: float
    first_decision_s: float
    all_decided_s: float
    engine_back_s: float
    server_peak_mb: float
    engine_peak_mb: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table, a row for each number of issues."""
    options = _parser().parse_args(arguments)
    print(_HEAD)
    for issues in options.issues:
        with tempfile.TemporaryDirectory(prefix="pushlog-recovery-") as folder:
            row = asyncio.run(_measure(Path(folder), issues, options.waiting))
        print(_LINE.format(**msgspec.structs.asdict(row)), flush=True)
    return 0


async def _measure(folder: Path, issues: int, waiting: int) -> Row:
    server = Server(folder, _ENGINE)
    known = await _prepare(server, issues, waiting)
    started = time.monotonic()
    async with server.running():
        listening_s = time.monotonic() - started
        await _recorded(server.database, known + 1)
        first_decision_s = time.monotonic() - started
        await _all_recorded(server)
        all_decided_s = time.monotonic() - started
        back_s = await engine_back_s(server)
        (engine,) = server.engines()
        return Row(
            issues=issues,
            states_mb=number(server.database, "SELECT sum(length(value)) FROM engine_states") / 1e6,
            listening_s=listening_s,
            first_decision_s=first_decision_s,
            all_decided_s=all_decided_s,
            engine_back_s=back_s,
            server_peak_mb=_peak_mb(server.pid or 0),
            engine_peak_mb=_peak_mb(engine),
        )


async def _prepare(server: Server, issues: int, waiting: int) -> int:
    """Fill journal and database; return how far the states reach."""
    first: list[Entry] = [Settings(max_issues=issues + 1_000), known_event()]
    async with open_journal(server.journal) as journal:
        await journal.append(first, None)
        for start in range(0, waiting, 1_000):
            many = [known_event() for _ in range(start, min(start + 1_000, waiting))]
            await journal.append(many, None)
    await asyncio.to_thread(migrate, server.database)
    said = await states_after(first)
    async with open_database(server.database) as database:
        await know_issues(database, said, issues, 0)
        async with database.write() as tx:
            await checkpoints.store(tx, len(first), said)
            await checkpoints.set_recorded(tx, len(first))
    return len(first)


async def states_after(entries: Sequence[Entry]) -> list[State]:
    """Return what the engine says must come back after `entries`."""
    numbered = [msgspec.structs.replace(entry, seq=n) for n, entry in enumerate(entries, 1)]
    engine = await asyncio.create_subprocess_exec(
        *_ENGINE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await engine.communicate(encode_lines(numbered))
    said = [decode_outbound(line) for line in out.splitlines()]
    if not isinstance(said[-1], Checkpoint):
        raise TypeError("the engine did not end with a checkpoint")
    return [each for each in said if isinstance(each, State)]


async def know_issues(database: Database, said: Sequence[State], issues: int, seq: int) -> None:
    """Store the state of the one issue in `said` under so many keys, as of entry `seq`."""
    (issue,) = [each for each in said if each.key.startswith("issue:")]
    for start in range(0, issues, _STATES_A_TRANSACTION):
        some = [
            State(f"issue:{n:032x}", issue.value)
            for n in range(start, min(start + _STATES_A_TRANSACTION, issues))
        ]
        async with database.write() as tx:
            await checkpoints.store(tx, seq, some)


async def engine_back_s(server: Server) -> float:
    """Kill the engine once all is decided; return how long its next decision takes."""
    last = await _all_recorded(server)
    (engine,) = server.engines()
    os.kill(engine, signal.SIGKILL)
    started = time.monotonic()
    await post(server.url)
    await _recorded(server.database, last + 1)
    return time.monotonic() - started


def known_event() -> EventEntry:
    """Return one more event of always the same issue."""
    return EventEntry(
        source="benchmark",
        service="shop",
        environment="production",
        timestamp=datetime.now(UTC),
        severity="error",
        exception_type="Known",
        message="boom",
    )


async def post(url: str) -> None:
    """Send one event. Raises `RuntimeError` if it is not accepted."""
    body = encode_lines([known_event()]).replace(b'"type":"event",', b"", 1)
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /api/webhooks/incidents HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    answer = await reader.read()
    writer.close()
    if b" 202 " not in answer.partition(b"\r\n")[0]:
        raise RuntimeError(answer.decode(errors="replace"))


async def _all_recorded(server: Server) -> int:
    """Return the newest entry, once the decision on it is stored."""
    last = newest_entry(server.journal)
    await _recorded(server.database, last)
    return last


async def _recorded(database: Path, seq: int) -> None:
    """Return once the decision on entry `seq` is stored."""
    async with asyncio.timeout(_TIMEOUT_S):
        while recorded_seq(database) < seq:  # noqa: ASYNC110 - another process
            await asyncio.sleep(_LOOK_EVERY_S)


def _peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024 / 1e6
    return 0.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/recovery", description=__doc__)
    parser.add_argument("--issues", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--waiting", type=int, default=10_000, help="entries that wait")
    return parser


if __name__ == "__main__":
    sys.exit(main())
