"""The rankers that are compared: ours, and what others do. Each gives commit ids, best first."""

from collections.abc import Callable, Sequence
from functools import partial

from engine.suspects.score import WEIGHTS, ErrorEvidence, Weights, score_commits
from engine.suspects.windows import prepare
from scripts.commands.benchmarks.ranking.cases import window_of
from shared.event import ChangeWindow, Commit, Event

Rule = Callable[[Event], list[str]]


def evidence_of(event: Event) -> ErrorEvidence:
    """Return what an event says about its error, which was first seen with it."""
    return ErrorEvidence(
        since=event.timestamp,
        exception_type=event.exception_type,
        message=event.message,
        stacktrace=event.stacktrace,
        chain=event.chain,
        release=event.release,
        api_route=event.api_route,
        hints=event.correlation_hints,
    )


def scores(
    event: Event, weights: Weights = WEIGHTS, windows: Sequence[ChangeWindow] | None = None
) -> list[tuple[str, float]]:
    """Return every commit with its score, ranked by our rule: of `windows`, or else the event's."""
    prepared = [prepare(each) for each in windows or [window_of(event)]]
    ranked = score_commits(evidence_of(event), prepared, weights)
    return [(each.commit.id, each.score) for each in ranked]


def ours(
    event: Event, weights: Weights = WEIGHTS, windows: Sequence[ChangeWindow] | None = None
) -> list[str]:
    """Rank every commit by our rule: of `windows`, or else of the event's."""
    return [commit_id for commit_id, _ in scores(event, weights, windows)]


def newest_first(event: Event) -> list[str]:
    """Rank by age: the last commit did it."""
    return [commit.id for commit in _newest_first(event)]


def original_rule(event: Event, *, alike: bool) -> list[str]:
    """Rank commits that touch a file of the trace before others, newest first among equals.

    The original product compared the commit's path in lower case with the frame's as it was;
    `alike` compares both in lower case.
    """
    files = _own_files(event)
    wanted = tuple(file.lower() for file in files) if alike else tuple(files)
    return [
        commit.id
        for commit in sorted(
            _newest_first(event),
            key=lambda commit: not any(path.lower().endswith(wanted) for path in commit.files),
        )
    ]


def last_to_touch(event: Event) -> list[str]:
    """Rank by the last commit that touched the top frame's file, then the next's: Sentry's way."""
    ranked: dict[str, None] = {}
    for file in _own_files(event):
        for commit in _newest_first(event):
            if any(path.endswith(file) for path in commit.files):
                ranked.setdefault(commit.id)
    for commit in _newest_first(event):
        ranked.setdefault(commit.id)
    return list(ranked)


def most_lines_added(event: Event) -> list[str]:
    """Rank by size: the biggest commit did it. This shows what the size alone is worth."""
    return [c.id for c in sorted(_newest_first(event), key=lambda commit: -(commit.added or 0))]


def _newest_first(event: Event) -> list[Commit]:
    return window_of(event).commits[::-1]


def _own_files(event: Event) -> list[str]:
    return [frame.file for frame in event.stacktrace if frame.file and frame.in_app]


RULES: dict[str, Rule] = {
    "original rule": partial(original_rule, alike=False),
    "original rule, case alike": partial(original_rule, alike=True),
    "newest first": newest_first,
    "last to touch the top frame": last_to_touch,
    "most lines added": most_lines_added,
}
