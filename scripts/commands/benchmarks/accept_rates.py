"""Measures how many signed Sentry webhooks a second the server accepts, beside smaller handlers.

`bare` reads the body. `decoding` also verifies and parses it. `paused` is the server with an engine
that reads nothing, and `working` is the server with its engine. Each is a process of its own, and
so is wrk. The rounds alternate between them, so that other load on the machine affects all of them
alike. The table shows the median of the rounds and the worst. Times are in milliseconds, and
processor time (of the process that answers) in microseconds per answer. Every event is new, from
1,000 issues. `decided` counts until the engine has decided the last event of a round.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from statistics import median

from scripts.commands.benchmarks import accept_floor, proc
from scripts.commands.benchmarks.accept_load import SECRET, Answers, Load
from scripts.commands.chaos.progress import newest_entry, recorded_seq
from scripts.commands.chaos.server_process import Server

MANY_CONNECTIONS = 500

_PAUSED_ENGINE = ("sleep", "infinity")
"""This engine never says that it is ready, so nothing is delivered and accepted events wait."""

_ENGINE = (sys.executable, "-m", "engine")
_LOOK_EVERY_S = 0.02
_DECIDED_TIMEOUT_S = 600.0

_HEAD = (
    "          answers/s   worst   of bare  of decoding    p50     p99   worst p99  longest  errors"
    "  us of processor"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each size, and the results with many connections."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, "
        f"load average before {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(prefix="pushlog-accept-", dir=options.folder) as folder:
        asyncio.run(_measure(Path(folder), options))
    return 0


async def _measure(folder: Path, options: argparse.Namespace) -> None:
    for size in options.sizes:
        load = Load(folder, size)
        async with contextlib.AsyncExitStack() as stack:
            subjects = {
                kind: await stack.enter_async_context(_subject(kind, folder / f"{kind}-{size}"))
                for kind in (*accept_floor.KINDS, "paused", "working")
            }
            for connections, rounds in (
                (options.connections, options.rounds),
                (MANY_CONNECTIONS, options.rounds),
            ):
                print(f"\n## {size} bytes, {connections} connections, rounds: {rounds}\n")
                table = {name: _Row(name) for name in subjects}
                for _ in range(rounds):
                    for name, subject in subjects.items():
                        await subject.measure(load, connections, options.seconds, table[name])
                _print_table(table)


class _Row:
    """The results of one subject's rounds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rounds: list[Answers] = []
        self.cpu_us: list[float] = []
        """Of the process that answers, per answer; says less about what else the machine does."""
        self.decided: list[float] = []

    @property
    def rate(self) -> float:
        return median(each.rate for each in self.rounds)


class _Subject:
    """Something that takes webhooks; with a `database`, its engine is waited for."""

    def __init__(self, url: str, pid: int, server: Server | None = None) -> None:
        self._url = url
        self._pid = pid
        self._server = server

    async def measure(self, load: Load, connections: int, seconds: int, row: _Row) -> None:
        started, cpu_s = time.monotonic(), proc.cpu_s(self._pid)
        answers = await load.put_on(self._url, connections, seconds)
        row.rounds.append(answers)
        row.cpu_us.append((proc.cpu_s(self._pid) - cpu_s) / max(answers.answers, 1) * 1e6)
        if self._server is not None:
            await _decided(self._server)
            row.decided.append(answers.answers / (time.monotonic() - started))


@contextlib.asynccontextmanager
async def _subject(kind: str, folder: Path) -> AsyncIterator[_Subject]:
    if kind in accept_floor.KINDS:
        async with accept_floor.serving(kind) as (url, pid):
            yield _Subject(url, pid)
        return
    await asyncio.to_thread(folder.mkdir)
    works = kind == "working"
    server = Server(folder, _ENGINE if works else _PAUSED_ENGINE, {"SENTRY_WEBHOOK_SECRET": SECRET})
    async with server.running():
        yield _Subject(server.url, server.pid or 0, server if works else None)


async def _decided(server: Server) -> None:
    """Return once the engine's decision on the newest entry is stored."""
    newest = newest_entry(server.journal)
    async with asyncio.timeout(_DECIDED_TIMEOUT_S):
        while recorded_seq(server.database) < newest:  # noqa: ASYNC110 - another process
            await asyncio.sleep(_LOOK_EVERY_S)


def _print_table(table: dict[str, _Row]) -> None:
    print(_HEAD)
    bare, decoding = table["bare"].rate, table["decoding"].rate
    for name, row in table.items():
        rounds = row.rounds
        decided = f"  decided {median(row.decided):.0f}/s" if row.decided else ""
        print(
            f"{name:<9} {row.rate:9.0f} {min(each.rate for each in rounds):7.0f}"
            f" {row.rate / bare:9.2f} {row.rate / decoding:12.2f}"
            f" {median(each.p50_ms for each in rounds):6.1f}"
            f" {median(each.p99_ms for each in rounds):7.1f}"
            f" {max(each.p99_ms for each in rounds):11.1f}"
            f" {max(each.max_ms for each in rounds):8.1f}"
            f" {sum(each.errors for each in rounds):7}"
            f" {median(row.cpu_us):16.0f}{decided}",
            flush=True,
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/benchmarks/accept",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[8_000, 60_000], help="bytes")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of load in each round")
    parser.add_argument("--folder", type=Path, help="where the databases are made, on which disk")
    return parser


if __name__ == "__main__":
    sys.exit(main())
