"""Measures which webhooks are refused while the server is reloaded or restarted, and who waits.

Webhooks come at a steady pace, each on a connection of its own, as Sentry sends them. A reload is
SIGHUP. A restart is SIGINT and a new process as soon as the old one has ended, which is what pm2
does, without the tenth of a second that pm2 takes for itself. `span` is the time in which webhooks
were refused, `longest` how long the slowest answer took, both in seconds, at worst. Afterwards the
journal must hold every webhook that was answered with 202, which is checked.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from scripts.commands.benchmarks.steady_load import SENT, steady_load
from scripts.commands.chaos.server_process import Server

_ENGINE = (sys.executable, "-m", "engine")
_LOOK_EVERY_S = 0.02
_QUIET_S = 1.0
"""How long webhooks go on coming after each reload or restart."""

_LINE = "{name:8} {times:5} {sent:9,} {refused:9,}  {span:7.2f}  {longest:7.2f}"


Act = Callable[[Server, contextlib.AsyncExitStack], Awaitable[None]]
"""What is measured: it is given the server, and the stack in which that runs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for reloads and one for restarts."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}\n")
    print(f"{'':8} {'times':>5} {'sent':>9} {'refused':>9}  {'span':>7}  {'longest':>7}")
    for name, act in (("reload", _reload), ("restart", _restart)):
        with tempfile.TemporaryDirectory(prefix="pushlog-restart-") as folder:
            asyncio.run(_measure(name, act, Server(Path(folder), _ENGINE), options))
    return 0


async def _measure(name: str, act: Act, server: Server, options: argparse.Namespace) -> None:
    spans: list[float] = []
    async with (
        contextlib.AsyncExitStack() as life,
        steady_load(server.url, options.per_second) as sent,
    ):
        await life.enter_async_context(server.running())
        sent.clear()
        await asyncio.sleep(_QUIET_S)
        for _ in range(options.times):
            before = len(sent)
            await act(server, life)
            await asyncio.sleep(_QUIET_S)
            refused = [each.at for each in sent[before:] if not each.accepted]
            spans.append(max(refused) - min(refused) + 1 / options.per_second if refused else 0.0)
    accepted = [each for each in sent if each.accepted]
    with contextlib.closing(sqlite3.connect(server.journal)) as journal:
        query = "SELECT count(*) FROM entries WHERE CAST(body AS TEXT) LIKE ?"
        (kept,) = journal.execute(query, (f"%{SENT}%",)).fetchone()
    if kept < len(accepted):
        raise RuntimeError(f"{len(accepted)} were accepted, and only {kept} are in the journal")
    print(
        _LINE.format(
            name=name,
            times=options.times,
            sent=len(sent),
            refused=len(sent) - len(accepted),
            span=max(spans),
            longest=max(each.took_s for each in accepted),
        )
    )


async def _restart(server: Server, life: contextlib.AsyncExitStack) -> None:
    """Let the server stop, and start it again at once."""
    await life.aclose()
    await life.enter_async_context(server.running())


async def _reload(server: Server, _life: contextlib.AsyncExitStack) -> None:
    """Ask for a reload, and wait until the next version listens."""
    before = server.log.read_bytes().count(b"Listening on")
    if server.pid is not None:
        os.kill(server.pid, signal.SIGHUP)
    while server.log.read_bytes().count(b"Listening on") == before:  # noqa: ASYNC110 - another process
        await asyncio.sleep(_LOOK_EVERY_S)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/restart", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--per-second", type=float, default=50.0, help="webhooks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
