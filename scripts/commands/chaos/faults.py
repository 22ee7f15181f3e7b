"""What is done to a running server from outside, and when."""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import threading
import time
from pathlib import Path

from scripts.commands.chaos.server_process import Server

_STOPPED_S = 0.5
_LOCKED_S = 0.3
_LOOK_EVERY_S = 0.0002
_BLOWS_A_SECOND = 1.5

RANDOM_BLOWS = (
    "kill server",
    "kill engine",
    "kill both",
    "stop engine",
    "stop server",
    "lock journal",
    "lock database",
)


async def kill_at_write(server: Server, path: Path, count: int) -> None:
    """Kill the server at the moment when the file at `path` is written for the `count`-th time.

    For a write-ahead log, this is in the middle of a commit: before, during or after its fsync.
    """
    given_up = threading.Event()
    try:
        await asyncio.to_thread(_watch, path, count, server, given_up)
    finally:
        given_up.set()


async def strike(server: Server, blow: str) -> None:
    """Do one of `RANDOM_BLOWS` now."""
    match blow:
        case "kill server":
            server.kill()
        case "kill engine":
            _signal(server.engines(), signal.SIGKILL)
        case "kill both":
            engines = server.engines()
            server.kill()
            _signal(engines, signal.SIGKILL)
        case "stop engine":
            await hold(server.engines())
        case "stop server":
            await hold([] if server.pid is None else [server.pid])
        case "lock journal":
            await asyncio.to_thread(_lock, server.journal)
        case "lock database":
            await asyncio.to_thread(_lock, server.database)
        case _:
            raise ValueError(f"no blow is called {blow!r}")


async def strike_now_and_then(server: Server, rng: random.Random, made: list[str]) -> None:
    """Strike the server forever while it is up; `made` says what was done."""
    while True:
        await server.up.wait()
        await asyncio.sleep(rng.expovariate(_BLOWS_A_SECOND))
        blow = rng.choice(RANDOM_BLOWS)
        await strike(server, blow)
        made.append(blow)


def age_messages(database: Path) -> None:
    """Make the server find that its messages in Slack were last edited long ago.

    It edits each once a minute, and a round does not take that long.
    """
    with contextlib.closing(sqlite3.connect(database, timeout=5)) as connection, connection:
        connection.execute("UPDATE slack_messages SET edited_at = 0")


async def hold(pids: list[int], seconds: float = _STOPPED_S) -> None:
    """Suspend these processes for a while."""
    _signal(pids, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        _signal(pids, signal.SIGCONT)


def _watch(path: Path, count: int, server: Server, given_up: threading.Event) -> None:
    last = _state(path)
    while not given_up.is_set():
        now = _state(path)
        if now != last:
            last = now
            count -= 1
            if count <= 0:
                server.kill()
                return
        time.sleep(_LOOK_EVERY_S)


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _lock(path: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as connection,
        contextlib.suppress(sqlite3.OperationalError),
    ):
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(_LOCKED_S)
        connection.execute("ROLLBACK")
