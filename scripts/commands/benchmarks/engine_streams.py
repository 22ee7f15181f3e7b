"""Streams of events for measuring the engine: always the same ones, on each machine.

They differ in how often an issue comes again, and in what differs from one of its events to the
next, because that decides how much of an event the engine has to look at.
"""

import random
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from shared.event import PRODUCTION, Frame
from shared.pipe import EventEntry, Inbound, Settings

ISSUES = 1_000
_START = datetime(2026, 1, 1, tzinfo=UTC)
_FRAMES = 10
_BUILDS = 4
"""How many versions of its line numbers a trace has."""


def few(count: int) -> Iterator[Inbound]:
    """Yield a flood: 20 a second from the start on, nearly all of them in open incidents."""
    dice = random.Random(7)  # noqa: S311 - chance that can be had again
    at = _START
    for seq in range(1, count + 1):
        at += timedelta(seconds=dice.expovariate(20))
        yield _event(seq, at, min(int(dice.paretovariate(0.6)) - 1, ISSUES - 1))


def aged(count: int) -> Iterator[Inbound]:
    """Yield days of 45 events a minute, no two alike: lines, messages, tags and ids differ."""
    dice = random.Random(11)  # noqa: S311 - chance that can be had again
    shares = list(accumulate(1 / (issue + 3) for issue in range(ISSUES)))
    at = _START
    for seq in range(1, count + 1):
        at += timedelta(seconds=dice.expovariate(0.75))
        issue = min(bisect(shares, dice.random() * shares[-1]), ISSUES - 1)
        build = dice.randrange(_BUILDS)
        yield _event(
            seq,
            at,
            issue,
            build=build,
            release=f"1.2.{build}",
            message=f"order {dice.randrange(10**6)} of {issue} is unknown",
            event_id=f"{dice.getrandbits(128):032x}",
            issue_id=str(4_000_000 + issue),
            received=at,
        )


def history(count: int) -> Iterator[Inbound]:
    """Yield one issue, once a minute."""
    for seq in range(1, count + 1):
        yield _event(seq, _START + seq * timedelta(minutes=1), 1)


def in_turn(count: int) -> Iterator[Inbound]:
    """Yield half of `count` issues, each in turn, and all of them once more."""
    issues = count // 2
    yield Settings(seq=1, received=_START, max_issues=2 * issues)
    for number in range(2 * issues):
        issue = number % issues
        at = _START + number * timedelta(seconds=0.05)
        yield _event(number + 2, at, issue, fingerprint=f"group {issue}")


def never_seen(count: int) -> Iterator[Inbound]:
    """Yield an issue with each event, with files and functions that nobody has seen."""
    for seq in range(1, count + 1):
        yield _event(seq, _START + seq * timedelta(seconds=1), seq, environment="staging")


def _event(seq: int, at: datetime, issue: int, *, build: int = 0, **fields: Any) -> EventEntry:
    own: dict[str, Any] = {
        "environment": PRODUCTION,
        "message": f"cannot read property {issue} of undefined",
        "received": None,
    } | fields
    return EventEntry(
        seq=seq,
        source="benchmark",
        service=f"service {issue % 5}",
        timestamp=at,
        severity="error",
        exception_type=f"Error{issue % 100}",
        stacktrace=[
            Frame(
                file=f"src/part{issue}/mod{depth}.py",
                function=f"load_{depth}_{issue}",
                line=10 + depth + 3 * build,
                in_app=depth % 3 != 2,
            )
            for depth in range(_FRAMES)
        ],
        tags={"server_name": f"web-{seq % 9}", "browser": "Firefox 128", "order": str(seq)},
        links={"source_url": f"https://sentry.example/issues/{issue}/events/{seq}/"},
        platform="python",
        **own,
    )
