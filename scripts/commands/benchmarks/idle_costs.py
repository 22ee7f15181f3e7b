"""Measures what server and engine cost when idle, and how soon after its start the server accepts.

`first start` creates the databases, `start` opens existing ones. Memory is PSS, which counts memory
that is shared with other processes by its share. Needs /proc.
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

from scripts.commands.benchmarks import proc
from scripts.commands.benchmarks.recovery_times import post
from scripts.commands.chaos.server_process import Server

_ENGINE = (sys.executable, "-m", "engine")
_SETTLE_S = 5.0
"""What happens late during the start is not counted as idle."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the times of the starts, then processor and memory of each process."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="pushlog-idle-") as folder:
        asyncio.run(_measure(Path(folder), options.starts, options.seconds))
    return 0


async def _measure(folder: Path, starts: int, seconds: float) -> None:
    server = Server(folder, _ENGINE)
    print(f"first start: {await _start(server):.2f} s until a webhook is accepted")
    times = [await _start(server) for _ in range(starts)]
    print(f"start: {median(times):.2f} s, at worst {max(times):.2f} s, of {starts}")
    async with server.running():
        await post(server.url)
        await asyncio.sleep(_SETTLE_S)
        (engine,) = server.engines()
        processes = {"server": server.pid or 0, "engine": engine}
        before = {name: proc.cpu_s(pid) for name, pid in processes.items()}
        await asyncio.sleep(seconds)
        for name, pid in processes.items():
            share = (proc.cpu_s(pid) - before[name]) / seconds
            memory_mb = proc.pss_bytes(pid) / 1e6
            print(f"{name}: {share:.2%} of a core in {seconds:.0f} s, {memory_mb:.0f} MB")


async def _start(server: Server) -> float:
    started = time.monotonic()
    async with server.running():
        await post(server.url)
        return time.monotonic() - started


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/idle", description=__doc__)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of idleness")
    return parser


if __name__ == "__main__":
    sys.exit(main())
