"""Valid things to start a test from: a builder gives one, the test changes the field that matters.

Times are given in seconds after `START`, so that a test reads like a timetable.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.event import ChangeWindow, Commit, Event, Frame
from shared.pipe import ChangeWindowEntry, EventEntry, Resolve, Settings, Silence, Tick

START = datetime(2025, 3, 4, 9, 0, tzinfo=UTC)


def bursting_days(first: int, last: int, high: int = 1) -> list[float]:
    """Seconds of an event every 40 minutes, and of 120 more in ten minutes of each day."""
    minute, day_s = 60.0, 86_400.0
    return [
        day * day_s + second
        for day in range(first, last)
        for second in sorted(
            [40 * minute * n for n in range(36)]
            + [15 * minute + 5.0 * n / high for n in range(120 * high)]
        )
    ]


def at(seconds: float) -> datetime:
    """The moment `seconds` after `START`."""
    return START + timedelta(seconds=seconds)


def frame(
    file: str | None = "shop/cart.py",
    function: str | None = "total",
    line: int | None = 12,
    *,
    module: str | None = None,
    in_app: bool | None = True,
) -> Frame:
    """A frame of our own code."""
    return Frame(file=file, module=module, function=function, line=line, in_app=in_app)


def commit(commit_id: str = "a1b2c3d4", **changes: Any) -> Commit:
    """A small commit that touches the file of `frame`, ten minutes before `START`."""
    fields: dict[str, Any] = {
        "timestamp": at(-600),
        "author": "Ada",
        "message": "Round prices half up",
        "files": ["shop/cart.py"],
        "functions": ["total"],
        "added": 8,
        "deleted": 3,
    }
    return Commit(id=commit_id, **(fields | changes))


def change_window(seconds: float = -300, **changes: Any) -> ChangeWindow:
    """A deploy of one commit, `seconds` after `START`; by default five minutes before it."""
    fields: dict[str, Any] = {"commits": [commit()], "deploy_id": "a1b2c3d4"}
    return ChangeWindow(deploy_time=at(seconds), **(fields | changes))


def _event_fields(seconds: float, changes: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "source": "sentry",
        "service": "shop",
        "environment": "production",
        "timestamp": at(seconds),
        "severity": "error",
        "exception_type": "ValueError",
        "message": "price is negative",
        "stacktrace": [
            frame(),
            frame("shop/checkout.py", "pay", 40),
            frame("django/core/handlers/base.py", "_get_response", 197, in_app=False),
        ],
        "tags": {"browser": "Firefox"},
        "links": {"source_url": "https://sentry.example/issues/1/"},
    }
    return fields | dict(changes)


def event(seconds: float = 0, **changes: Any) -> Event:
    """An error of the service `shop` in production."""
    return Event(**_event_fields(seconds, changes))


def event_entry(seq: int | None = 1, seconds: float = 0, **changes: Any) -> EventEntry:
    """The same as `event`, as the journal gives it; by default received when it happened."""
    fields = {"seq": seq, "received": at(seconds)} | _event_fields(seconds, changes)
    return EventEntry(**fields)


def deploy_entry(seq: int | None = 1, seconds: float = 0, **changes: Any) -> EventEntry:
    """The news of a deploy of `shop`, which opens a deploy incident."""
    fields: dict[str, Any] = {
        "kind": "deploy",
        "source": "github",
        "severity": "warning",
        "exception_type": "Deploy",
        "message": "Push of 1 commit to main",
        "stacktrace": [],
        "tags": {},
        "links": {},
        "change_window": change_window(seconds),
    }
    return event_entry(seq, seconds, **(fields | changes))


def change_window_entry(
    seq: int | None = 1, seconds: float = 0, **changes: Any
) -> ChangeWindowEntry:
    """A deploy of `shop`, told as context only."""
    fields: dict[str, Any] = {
        "service": "shop",
        "environment": "production",
        "received": at(seconds),
        "deploy_time": at(seconds),
        "commits": [commit()],
        "deploy_id": "a1b2c3d4",
    }
    return ChangeWindowEntry(seq=seq, **(fields | changes))


def resolve(seq: int | None = 1, seconds: float = 0, **changes: Any) -> Resolve:
    """Ada resolves something; the test names it by `issue`, `incident_id` or `issue_id`."""
    fields: dict[str, Any] = {"received": at(seconds), "by": "ada", "time": at(seconds)}
    return Resolve(seq=seq, **(fields | changes))


def silence(seq: int | None = 1, seconds: float = 0, **changes: Any) -> Silence:
    """Ada silences something for good; the test names it as in `resolve`."""
    fields: dict[str, Any] = {"received": at(seconds), "by": "ada", "time": at(seconds)}
    return Silence(seq=seq, **(fields | changes))


def settings(seq: int | None = 1, seconds: float = 0, **changes: Any) -> Settings:
    """Settings that change nothing by default; the test says what they change."""
    return Settings(seq=seq, received=at(seconds), **changes)


def tick(seconds: float) -> Tick:
    """Time has passed."""
    return Tick(received=at(seconds))
