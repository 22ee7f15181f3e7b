"""Measures how many events a second the engine decides, beside a child that only decodes them.

The events rotate through the issues, each of which comes once in ten minutes. They differ in
message, line numbers, tags and id, and have a stack trace of ten frames. In `absorbed` they come
from production, where each issue is part of an open incident. In `known` they come from staging,
which has no incidents. The first events of each issue are not measured. The rounds alternate
between the two children. The table shows events per second of real time and of processor time:
the median of the rounds and the worst.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from statistics import median

from scripts.commands.benchmarks.engine_process import EngineProcess
from shared.event import PRODUCTION, Frame
from shared.pipe import EventEntry, encode_lines

KINDS = {"absorbed": PRODUCTION, "known": "staging"}
CHILDREN = {"engine": "engine", "decoding": "scripts.commands.benchmarks.engine_floor"}

_START = datetime(2025, 1, 6, tzinfo=UTC)
_TURN = timedelta(minutes=10)
_TURNS_BEFORE = 5
_SERVICES = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each kind of events."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}")
    for kind, environment in KINDS.items():
        print(f"\n## {kind}: {options.issues} issues, {options.rounds} rounds\n")
        _print_table(_measure(options, environment))
    return 0


def _measure(options: argparse.Namespace, environment: str) -> dict[str, list[tuple[float, float]]]:
    """Return, for each child and round, events a second and processor microseconds an event."""
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in CHILDREN}
    before = _TURNS_BEFORE * options.issues
    with ExitStack() as stack:
        children = {
            name: stack.enter_context(EngineProcess(module)) for name, module in CHILDREN.items()
        }
        for child in children.values():
            child.feed(lines(range(before), options.issues, environment))
        for number in range(options.rounds):
            first = before + number * options.events
            some = list(lines(range(first, first + options.events), options.issues, environment))
            for name, child in children.items():
                started, cpu_s = time.monotonic(), child.cpu_s()
                child.feed(some)
                figures[name].append(
                    (
                        options.events / (time.monotonic() - started),
                        (child.cpu_s() - cpu_s) / options.events * 1e6,
                    )
                )
    return figures


def lines(numbers: range, issues: int, environment: str) -> Iterator[bytes]:
    """Yield the events of these numbers."""
    for number in numbers:
        yield _line(number, number % issues, _START + number * _TURN / issues, environment)


def _line(number: int, issue: int, at: datetime, environment: str) -> bytes:
    frames = [
        Frame(
            file=f"shop/part{issue}_{depth}.py",
            function="load",
            line=12 + (number + depth) % 5,
            in_app=True,
        )
        for depth in range(5)
    ] + [
        Frame(file=f"django/core/handlers/base{depth}.py", function="call", line=9, in_app=False)
        for depth in range(5)
    ]
    event = EventEntry(
        source="benchmark",
        service=f"service-{issue % _SERVICES}",
        environment=environment,
        timestamp=at,
        severity="error",
        exception_type="ConnectionRefusedError",
        message=f"the database does not answer to request {number}",
        stacktrace=frames,
        event_id=f"{number:032x}",
        tags={"browser": "Firefox", "order": str(number)},
    )
    return encode_lines([event])


def _print_table(figures: dict[str, list[tuple[float, float]]]) -> None:
    floor = median(rate for rate, _ in figures["decoding"])
    print("            events/s    worst  of decoding   us of processor")
    for name, rounds in figures.items():
        rates, costs = zip(*rounds, strict=True)
        print(
            f"{name:<9} {median(rates):10.0f} {min(rates):8.0f} {median(rates) / floor:12.2f}"
            f" {median(costs):17.1f}",
            flush=True,
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/benchmarks/engine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--issues", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=20_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    return parser


if __name__ == "__main__":
    sys.exit(main())
