"""Find since when each commit of some deploys runs or, if a deploy went back behind it, does not.

A commit arrives with the first deploy that has it: it is not new when it is announced again, or
when a deploy goes back to what ran before. What came after that is taken away then.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.event import ChangeWindow


class Arrival(msgspec.Struct, frozen=True):
    """When a commit began to run, or was `taken_away`, and by which deploy.

    `first` is when it first ran.
    """

    at: datetime
    deploy: ChangeWindow
    first: datetime
    taken_away: bool = False


def arrivals(windows: Sequence[ChangeWindow], until: datetime) -> dict[str, Arrival]:
    """Return what the last was that happened to each commit by `until`."""
    found: dict[str, Arrival] = {}
    for at, goes_back, number in sorted(_steps(windows)):
        window = windows[number]
        if at > until:
            break
        if goes_back:
            _go_back(found, window, at)
            continue
        for commit in window.commits:
            known = found.get(commit.id)
            if known is None or known.taken_away:
                found[commit.id] = Arrival(at, window, at)
    return found


def began(window: ChangeWindow) -> datetime:
    """Return when the deploy first ran."""
    return window.ran_since or window.deploy_time


def _steps(windows: Sequence[ChangeWindow]) -> list[tuple[datetime, bool, int]]:
    steps = [(began(window), False, number) for number, window in enumerate(windows)]
    steps += [
        (window.deploy_time, True, number)
        for number, window in enumerate(windows)
        if window.ran_since is not None
    ]
    return steps


def _go_back(found: dict[str, Arrival], window: ChangeWindow, at: datetime) -> None:
    for commit_id, known in found.items():
        is_behind = known.first > began(window)
        if is_behind is not known.taken_away:
            found[commit_id] = Arrival(at, window, known.first, is_behind)
