"""Measures what an event costs the engine, beside a child that only decodes ten fields of it.

Both read the same lines from a pipe, each in a new process, in turn. The table shows microseconds
of processor time for an event (the median of the rounds, and the worst), what part of the engine's
cost decoding is, and the engine's memory at its peak.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from scripts.commands.benchmarks import engine_streams
from scripts.installation import ROOT
from shared.pipe import Inbound, encode_lines

KINDS: dict[str, tuple[Callable[[int], Iterator[Inbound]], int]] = {
    "few": (engine_streams.few, 200_000),
    "aged": (engine_streams.aged, 200_000),
    "history": (engine_streams.history, 86_400),
    "in-turn": (engine_streams.in_turn, 200_000),
    "never-seen": (engine_streams.never_seen, 20_000),
}
_ENGINE, _DECODING = "engine", "scripts.commands.benchmarks.engine_floor"
_QUICKLY = 10
"""With --quick, streams are so many times shorter."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each stream."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    for name, (stream, _) in KINDS.items():
        print(f"{name:>12}: {(stream.__doc__ or '').splitlines()[0].removeprefix('Yield ')}")
    print(f"\n{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}\n")
    print("                 events   decoding   engine    worst  decoding/engine     peak")
    for name in options.only or KINDS:
        stream, count = KINDS[name]
        count = count // _QUICKLY if options.quick else count
        with tempfile.NamedTemporaryFile(prefix="pushlog-lines-") as lines:
            for message in stream(count):
                lines.write(encode_lines([message]))
            lines.flush()
            _measure(name, Path(lines.name), count, 2 if options.quick else options.rounds)
    return 0


def _measure(name: str, lines: Path, count: int, rounds: int) -> None:
    floor: list[float] = []
    costs: list[float] = []
    peak_mb = 0.0
    for _ in range(rounds):
        floor.append(_run(_DECODING, lines).cpu_s / count)
        used = _run(_ENGINE, lines)
        costs.append(used.cpu_s / count)
        peak_mb = max(peak_mb, used.peak_mb)
    print(
        f"{name:>12} {count:10,} {median(floor) * 1e6:7.2f} us {median(costs) * 1e6:5.1f} us "
        f"{max(costs) * 1e6:5.1f} us {median(floor) / median(costs):16.3f} {peak_mb:5.0f} MB",
        flush=True,
    )


class _Used:
    """What a process has used: seconds of processor time, and memory."""

    def __init__(self, usage: resource.struct_rusage) -> None:
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.peak_mb = usage.ru_maxrss / 1e3


def _run(module: str, lines: Path) -> _Used:
    with subprocess.Popen(["cat", lines], stdout=subprocess.PIPE) as feeding:
        child = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=feeding.stdout,
            stdout=subprocess.DEVNULL,
            cwd=ROOT,
        )
        if feeding.stdout is not None:
            feeding.stdout.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise RuntimeError(f"{module} ended with {child.returncode}")
        return _Used(usage)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/benchmarks/engine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=list(KINDS), help="these streams")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="short streams, two rounds")
    return parser


if __name__ == "__main__":
    sys.exit(main())
