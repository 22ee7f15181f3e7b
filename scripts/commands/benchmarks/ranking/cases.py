"""The cases of the ranking benchmark, and the events that the engine is asked about."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from scripts.installation import ROOT
from shared.event import ChangeWindow, Event, Frame

_SHARED = os.environ.get("PUSHLOG_SHARED")
CASES = (Path(_SHARED) if _SHARED else ROOT.parent / "shared") / "bench/commit_ranking/dev.jsonl"


class CaseFrame(msgspec.Struct, frozen=True, omit_defaults=True):
    """A frame, and whether it is one of a test, which production would not have."""

    file: str | None = None
    function: str | None = None
    in_app: bool | None = None
    in_test: bool = False
    line: int | None = None
    module: str | None = None


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error whose causing commit in one of the windows is known.

    `earlier_windows` are deploys before the one of `change_window`, oldest first. Then
    `window_size` is the number of commits in all of them.
    """

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
    earlier_windows: list[ChangeWindow] = []


class Question(msgspec.Struct, frozen=True):
    """A case as it is given to a ranker, which sees only the event."""

    case: Case
    event: Event
    culprit_there: bool
    earlier_windows: Sequence[ChangeWindow] = ()

    @property
    def windows(self) -> list[ChangeWindow]:
        """Return all deploys, oldest first; the event carries the last of them."""
        return [*self.earlier_windows, window_of(self.event)]

    def as_one_deploy(self) -> Event:
        """Return the event after one deploy of all commits, for rules that know no other."""
        window = window_of(self.event)
        commits = {commit.id: commit for each in self.windows for commit in each.commits}
        window = msgspec.structs.replace(window, commits=[*commits.values()])
        return msgspec.structs.replace(self.event, change_window=window)


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
    *earlier, window = [
        each if culprit_there else _without(each, case.culprit)
        for each in (*case.earlier_windows, case.change_window)
    ]
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
    return Question(case, shape(event) if shape else event, culprit_there, earlier)


def _without(window: ChangeWindow, commit_id: str) -> ChangeWindow:
    rest = [commit for commit in window.commits if commit.id != commit_id]
    return msgspec.structs.replace(window, commits=rest)
