"""The cases of the ranking benchmark, and the events that the engine is asked about."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from scripts.installation import ROOT
from shared.event import ChangeWindow, Event, Frame

_SHARED = os.environ.get("PUSHLOG_SHARED")
CASES = (Path(_SHARED) if _SHARED else ROOT.parent / "shared") / "bench/commit_ranking/dev.jsonl"


class CaseFrame(msgspec.Struct, frozen=True):
    """A frame, and whether it is one of a test, which production would not have."""

    file: str
    function: str
    in_app: bool
    in_test: bool
    line: int | None = None
    module: str | None = None


class Case(msgspec.Struct, frozen=True):
    """An error whose causing commit in the window is known."""

    case_id: str
    bug: str
    project: str
    window_size: int
    kind: Literal["exception", "assertion"]
    exception_type: str
    message: str
    stacktrace: list[CaseFrame]
    event_time: datetime
    change_window: ChangeWindow
    culprit: str


class Question(msgspec.Struct, frozen=True):
    """A case as it is given to a ranker, which sees only the event."""

    case: Case
    event: Event
    culprit_there: bool


def window_of(event: Event) -> ChangeWindow:
    """Return the window that an event of this benchmark carries."""
    if event.change_window is None:
        raise ValueError("the event has no change window")
    return event.change_window


Shape = Callable[[Event], Event]


def load_cases(path: Path = CASES) -> list[Case]:
    """Return all cases of a file, in its order."""
    decoder = msgspec.json.Decoder(Case)
    return [decoder.decode(line) for line in path.read_bytes().splitlines() if line.strip()]


def question(
    case: Case,
    *,
    with_tests: bool = False,
    culprit_there: bool = True,
    shape: Shape | None = None,
) -> Question:
    """Return the event of a case. Each has a service of its own, so that none knows of another."""
    window = case.change_window
    if not culprit_there:
        rest = [commit for commit in window.commits if commit.id != case.culprit]
        window = msgspec.structs.replace(window, commits=rest)
    event = Event(
        source="benchmark",
        service=case.case_id,
        environment="production",
        timestamp=case.event_time,
        severity="error",
        exception_type=case.exception_type,
        message=case.message or case.exception_type,
        stacktrace=[
            Frame(frame.file, frame.module, frame.function, frame.line, frame.in_app)
            for frame in case.stacktrace
            if with_tests or not frame.in_test
        ],
        change_window=window,
    )
    return Question(case, shape(event) if shape else event, culprit_there)
