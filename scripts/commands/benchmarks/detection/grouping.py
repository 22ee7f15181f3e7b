"""One outage of many issues, and which events are one issue: what the engine says about them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from scripts.commands.benchmarks.engine_process import EngineProcess
from shared.event import PRODUCTION, Event, Frame
from shared.incident import Change
from shared.pipe import EventEntry, Incident, encode_lines

START = datetime(2026, 1, 5, tzinfo=UTC)
ISSUES = 500
HISTORY = timedelta(days=3)
OUTAGE = timedelta(minutes=10)
BURST = 20
"""Events of each issue in the outage."""


class Told:
    """What people would hear of: incidents, and each opening and escalation as one message."""

    def __init__(self, said: Sequence[Incident]) -> None:
        self.incidents = len({incident.incident_id for incident in said})
        self.notifications = sum(incident.change in ("opened", "escalated") for incident in said)
        self.joined = sum(incident.change == "joined" for incident in said)
        self.issues = max((incident.issue_count for incident in said), default=0)

    def __str__(self) -> str:
        return (
            f"incidents {self.incidents}, notifications {self.notifications}, "
            f"issues that joined {self.joined}, most issues in one {self.issues}"
        )


def new_issues() -> Told:
    """Return what is told if all issues are new in the outage."""
    with EngineProcess() as engine:
        return Told(engine.feed(encode_lines([event]) for event in _outage(START)))


def known_issues() -> Told:
    """Return what is told if all issues have come now and then for days, and burst together."""
    with EngineProcess() as engine:
        engine.feed(encode_lines([event]) for event in _history())
        return Told(engine.feed(encode_lines([event]) for event in _outage(START + HISTORY)))


def _history() -> Iterator[EventEntry]:
    """Yield each issue once in two hours, one after the other."""
    every_s = 7200.0 / ISSUES
    for number in range(int(HISTORY.total_seconds() / every_s)):
        yield _event(number % ISSUES, START + timedelta(seconds=number * every_s))


def _outage(begins: datetime) -> Iterator[EventEntry]:
    """Yield the outage. The issues take turns, so that all begin in the first half minute."""
    for turn in range(BURST):
        for issue in range(ISSUES):
            part = (turn + issue / ISSUES) / BURST
            yield _event(issue, begins + part * OUTAGE)


def _event(issue: int, at: datetime) -> EventEntry:
    frames = [
        Frame(file=f"shop/part{issue}.py", function="load", line=12, in_app=True),
        Frame(file="shop/database.py", function="query", line=40, in_app=True),
    ]
    return EventEntry(
        source="benchmark",
        service="shop",
        environment=PRODUCTION,
        timestamp=at,
        severity="error",
        exception_type="ConnectionRefusedError",
        message="the database does not answer",
        stacktrace=frames,
    )


def hold_as_one(pairs: Sequence[tuple[Event, Event]]) -> int:
    """Return how many of these pairs the engine takes for one issue."""
    with EngineProcess() as engine:
        said = engine.feed(encode_lines([event]) for event in _of_pairs(pairs))
    news: tuple[Change, ...] = ("opened", "joined")
    told = [incident.service for incident in said if incident.change in news]
    return sum(told.count(str(number)) == 1 for number in range(len(pairs)))


def _of_pairs(pairs: Sequence[tuple[Event, Event]]) -> Iterator[EventEntry]:
    """Yield both events of a pair in their own service: a second issue would join the first's."""
    for number, pair in enumerate(pairs):
        for event in pair:
            yield EventEntry(
                source=event.source,
                service=str(number),
                environment=PRODUCTION,
                timestamp=START,
                severity=event.severity,
                exception_type=event.exception_type,
                message=event.message,
                stacktrace=event.stacktrace,
            )
