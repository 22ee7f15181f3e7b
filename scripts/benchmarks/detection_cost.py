"""What an event costs the engine, and what it remembers of an issue. Needs /proc."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from scripts.benchmarks.engine_process import EngineProcess
from shared.event import PRODUCTION, Frame
from shared.pipe import EventEntry, Settings, encode_lines

START = datetime(2025, 1, 6, tzinfo=UTC)
EVENTS = 20_000
YEAR = timedelta(days=365)
RARE = timedelta(minutes=10)
OFTEN = timedelta(seconds=0.6)
TURN = timedelta(days=100)


def us_per_event(every: timedelta, history: timedelta) -> float:
    """Microseconds of processor time for an event: one `every` so long, after such a history."""
    before = history // every
    with EngineProcess() as engine:
        engine.feed(_of_one_issue(START, every, before))
        cpu_s = engine.cpu_s()
        engine.feed(_of_one_issue(START + before * every, every, EVENTS))
        return (engine.cpu_s() - cpu_s) / EVENTS * 1e6


def us_and_bytes_per_issue(issues: int) -> tuple[float, float]:
    """Microseconds and resident bytes of each of so many issues that come twice.

    The second event comes when all have come once, so that no issue is fresh from the first.
    """
    with EngineProcess() as engine:
        settings = Settings(max_issues=issues, production_environments=[])
        engine.feed([encode_lines([settings])])
        before_s, before_bytes = engine.cpu_s(), engine.resident_bytes()
        for turn in range(2):
            engine.feed(_of_many_issues(START + turn * TURN, issues))
        cpu_s = engine.cpu_s() - before_s
        return cpu_s / (2 * issues) * 1e6, (engine.resident_bytes() - before_bytes) / issues


def _of_one_issue(begins: datetime, every: timedelta, events: int) -> Iterator[bytes]:
    for number in range(events):
        yield _line(begins + number * every, 0)


def _of_many_issues(begins: datetime, issues: int) -> Iterator[bytes]:
    """Each issue once in a hundred services, so slowly that no service has a spike of new ones."""
    for issue in range(issues):
        yield _line(begins + issue * TURN / issues, issue)


def _line(at: datetime, issue: int) -> bytes:
    """An event with a trace of ten frames, as those of the real world have one."""
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
        tags={"browser": "Firefox"},
    )
    return encode_lines([event])
