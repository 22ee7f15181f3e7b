"""Measure what an event costs the engine, and what it remembers of an issue. Needs /proc."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from scripts.commands.benchmarks.engine_process import EngineProcess
from shared.event import PRODUCTION, Frame
from shared.pipe import EventEntry, Settings, encode_lines

START = datetime(2025, 1, 6, tzinfo=UTC)
EVENTS = 20_000
YEAR = timedelta(days=365)
RARE = timedelta(minutes=10)
OFTEN = timedelta(seconds=0.6)
TURN = timedelta(days=100)
WARM_UP_ISSUES = 2_000


def us_per_event(every: timedelta, history: timedelta) -> float:
    """Return the microseconds of processor time for an event: one `every`, after this history."""
    before = history // every
    with EngineProcess() as engine:
        engine.feed(_of_one_issue(START, every, before))
        cpu_s = engine.cpu_s()
        engine.feed(_of_one_issue(START + before * every, every, EVENTS))
        return (engine.cpu_s() - cpu_s) / EVENTS * 1e6


class Kept(msgspec.Struct, frozen=True):
    """The cost of many issues: microseconds an event, bytes an issue, bytes of the process."""

    us_per_event: float
    bytes_per_issue: float
    resident_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.us_per_event:.1f} us an event, {self.bytes_per_issue:.0f} bytes an issue, "
            f"process {self.resident_bytes / 1e6:.0f} MB"
        )


def cost_of_many(issues: int) -> Kept:
    """Return the cost of this many issues that come twice, the second time when all have come once.

    Their source gives the fingerprints. What the engine remembers of traces is not part of an
    issue, has a bound of its own, and is measured in `cost_of_new_traces`.
    """
    with EngineProcess() as engine:
        return _cost(engine, issues, turns=2, traced=False)


def cost_of_new_traces(issues: int) -> Kept:
    """Return the cost of this many issues that come once, each with a new trace to fingerprint."""
    with EngineProcess() as engine:
        return _cost(engine, issues, turns=1, traced=True)


def _cost(engine: EngineProcess, issues: int, *, turns: int, traced: bool) -> Kept:
    """Return their cost. Other events come first, for what an engine needs whatever follows."""
    limit = issues + WARM_UP_ISSUES
    engine.feed([encode_lines([Settings(max_issues=limit, production_environments=[])])])
    engine.feed(_of_many_issues(START - TURN, range(issues, limit), traced=traced))
    before_s, before_bytes = engine.cpu_s(), engine.resident_bytes()
    for turn in range(turns):
        engine.feed(_of_many_issues(START + turn * TURN, range(issues), traced=traced))
    resident = engine.resident_bytes()
    return Kept(
        us_per_event=(engine.cpu_s() - before_s) / (turns * issues) * 1e6,
        bytes_per_issue=(resident - before_bytes) / issues,
        resident_bytes=resident,
    )


def _of_one_issue(begins: datetime, every: timedelta, events: int) -> Iterator[bytes]:
    for number in range(events):
        yield _line(begins + number * every, 0)


def _of_many_issues(begins: datetime, issues: range, *, traced: bool) -> Iterator[bytes]:
    """Yield each issue once in a hundred services, too slowly for a spike of new ones in any."""
    for number, issue in enumerate(issues):
        yield _line(begins + number * TURN / len(issues), issue, None if traced else str(issue))


def _line(at: datetime, issue: int, fingerprint: str | None = None) -> bytes:
    """Return an event with a trace of ten frames, like those of the real world."""
    frames = [
        Frame(file=f"shop/part{issue}_{depth}.py", function="load", line=12, in_app=True)
        for depth in range(5)
    ] + [
        Frame(file=f"django/core/handlers/base{depth}.py", function="call", line=9, in_app=False)
        for depth in range(5)
    ]
    event = EventEntry(
        source="benchmark",
        service=f"service-{issue % 100}",
        environment=PRODUCTION,
        timestamp=at,
        severity="error",
        exception_type="ConnectionRefusedError",
        message="the database does not answer",
        stacktrace=frames,
        fingerprint=fingerprint,
        tags={"browser": "Firefox"},
    )
    return encode_lines([event])
