"""Measures whether the server decides as fast as it accepts, for minutes and not only seconds.

First wrk finds what the server accepts at most with its engine working, over 32 connections. Then
each of these waits before its next webhook, so that a part of that comes. The table shows for each
half minute what was accepted and decided, how many entries waited for a decision at its end, and
what server and engine had in memory. A backlog that does not grow is what counts.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.commands.benchmarks import proc
from scripts.commands.benchmarks.accept_load import SECRET, Load
from scripts.commands.chaos.progress import newest_entry, recorded_seq
from scripts.commands.chaos.server_process import Server

_ENGINE = (sys.executable, "-m", "engine")
_CONNECTIONS = 32
_MOST_S = 5
_SIZE_BYTES = 8_000
_STEP_S = 30.0
_LINE = "{at:5.0f} s {accepted:10.0f} {decided:9.0f} {waiting:9,} {server:6.0f} MB {engine:4.0f} MB"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory(prefix="pushlog-sustained-") as folder:
        asyncio.run(_measure(Path(folder), options))
    return 0


async def _measure(folder: Path, options: argparse.Namespace) -> None:
    server = Server(folder, _ENGINE, {"SENTRY_WEBHOOK_SECRET": SECRET})
    load = Load(folder, _SIZE_BYTES)
    async with server.running():
        most = await load.put_on(server.url, _CONNECTIONS, _MOST_S)
        while _waiting(server):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
        rate = options.part * most.rate
        # An answer takes about half as long as when the server has all it can do.
        wait_ms = _CONNECTIONS / rate * 1e3 - most.p50_ms / 2
        print(f"At most {most.rate:.0f} a second for {_MOST_S} s; about {rate:.0f} from here on.")
        print("      accepted/s decided/s   waiting    server  engine")
        sending = asyncio.create_task(
            load.put_on(server.url, _CONNECTIONS, int(60 * options.minutes), wait_ms)
        )
        began = last = time.monotonic()
        accepted, decided = _progress(server)
        while not (await asyncio.wait({sending}, timeout=_STEP_S))[0]:
            now, before = time.monotonic(), (accepted, decided)
            accepted, decided = _progress(server)
            memory = [proc.resident_bytes(pid) for pid in (server.pid or 0, *server.engines())]
            print(
                _LINE.format(
                    at=now - began,
                    accepted=(accepted - before[0]) / (now - last),
                    decided=(decided - before[1]) / (now - last),
                    waiting=accepted - decided,
                    server=memory[0] / 1e6,
                    engine=max(memory[1:], default=0) / 1e6,
                ),
                flush=True,
            )
            last = now
        answers = await sending
        print(
            f"p50 {answers.p50_ms:.1f} ms, p99 {answers.p99_ms:.1f}, longest {answers.max_ms:.1f}"
        )


def _waiting(server: Server) -> int:
    accepted, decided = _progress(server)
    return accepted - decided


def _progress(server: Server) -> tuple[int, int]:
    """Return the newest entry, and the newest that is decided."""
    return newest_entry(server.journal), recorded_seq(server.database)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/sustained", description=__doc__)
    parser.add_argument("--part", type=float, default=0.6, help="of what is accepted at most")
    parser.add_argument("--minutes", type=float, default=5.0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
