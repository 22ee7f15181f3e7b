"""Score how strongly the evidence of an error points to each commit of the deploys before it.

The score is a sum of natural logarithms, as in Bayes' rule: how likely the trace is if this commit
is the cause, times how likely such a commit is a cause at all. docs/RANKING.md has the formula, the
origin of each constant, and what it is worth.
"""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from engine.stack.own_places import Place, places
from engine.stack.paths import file_stem, repository_path
from engine.suspects.arrivals import Arrival, arrivals, began
from engine.suspects.commit_kinds import Kind
from engine.suspects.releases import brings
from engine.suspects.touches import Touch, find_touches
from engine.suspects.windows import MAX_MESSAGE, PreparedWindow
from engine.suspects.words import rarity, words
from shared.event import (
    ChainedException,
    Commit,
    CorrelationHints,
    Frame,
)


class ErrorEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the error to be explained.

    `since` is when it began: when it was first seen, or the onset of what is unusual about it.
    `release` is the one in which it was first seen.
    """

    since: datetime
    exception_type: str = ""
    message: str = ""
    stacktrace: Sequence[Frame] = ()
    chain: Sequence[ChainedException] = ()
    release: str | None = None
    api_route: str | None = None
    hints: CorrelationHints | None = None


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Every constant of the score, so that each can be left out to see what it is worth."""

    decay: float = 0.85
    """How much less each place says than the one that it called."""
    same_function: float = 4.0
    """How much likelier a culprit touches the very function of the trace than just its file."""
    rarity: float = 0.5
    """Each touch says less by this power of the number of commits that touch the file. If they were
    independent, it would be 1; it is the square root, because commits to one file come in groups.
    """
    breadth: float = 0.3
    """Each touch says less by this power of the number of files that a commit touches, because a
    sweep of small edits meets any trace by chance."""
    elsewhere: float = 0.06
    """The chance that the cause touches no place of the trace, beside the sum over its places."""
    words: float = 3.0
    """The weight of having all the words of the error; a share of them weighs its share."""
    size: float = 0.5
    """The power of the lines added: more lines mean more faults, but less than in proportion."""
    size_beside_touches: float = 0.5
    """How much of `size` counts where commits touch the trace: large commits touch more places, so
    that a part of what their size says is in the touches already."""
    idle: float = 0.05
    """How often commits that hardly can be a cause (`commit_kinds`) are one, beside others."""
    forgetting: timedelta = timedelta(days=1)
    """The age at which a deploy is half as likely the cause as a new one."""
    other_release: float = 0.1
    """How much less likely older deploys are than that of the release of the first occurrence."""
    hinted: float = 2.0
    """A critical path multiplies by this; a path of low priority divides by it."""


WEIGHTS = Weights()

TYPICAL_LINES = 30
"""The size of a commit if nobody told how many lines it adds."""

CLOCK_SKEW = timedelta(minutes=15)
"""A deploy may be announced this much after its first error, because roll-outs take time."""

TRACE_WORDS = 5
"""How many places lend the words of their names to the error."""


class ScoredCommit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit with its score and the parts of the score.

    `standing` is how likely it is the cause by its arrival and release; a new arrival has 1.
    """

    commit: Commit
    arrival: Arrival
    kind: Kind
    score: float
    standing: float
    touches: list[Touch]
    words: list[str]
    by_release: bool


def score_commits(
    evidence: ErrorEvidence, windows: Sequence[PreparedWindow], weights: Weights = WEIGHTS
) -> list[ScoredCommit]:
    """Return every commit that was deployed when the error began, strongest evidence first.

    The order is total: equal scores are sorted by time, later first, then by id.
    """
    deployed, named = _deployed(evidence, windows)
    arrived = arrivals([window.window for window in deployed], evidence.since + CLOCK_SKEW)
    where = places(evidence.stacktrace, evidence.chain)
    near = math.fsum(weights.decay**place.depth for place in where)
    touches = find_touches(where, deployed)
    size = weights.size
    if any(map(any, touches)):
        size *= weights.size_beside_touches
    spoken = _Spoken(evidence, where, deployed)
    scored: dict[str, ScoredCommit] = {}
    for window, touched in zip(deployed, touches, strict=True):
        of_release = weights.other_release if named and window not in named else 1.0
        for index, commit in enumerate(window.commits):
            arrival = arrived[commit.id]
            age = max(evidence.since - arrival.at, timedelta())
            standing = of_release / (1 + age / weights.forgetting)
            said, common = spoken.shared(window.said[index])
            score = (
                math.log(standing)
                + math.log(weights.elsewhere + _trace(commit, touched[index], near, weights))
                + weights.words * said
                + _inclination(commit, window.kinds[index], size, evidence.hints, weights)
            )
            known = scored.get(commit.id)
            if known is None or score > known.score:
                scored[commit.id] = ScoredCommit(
                    commit=commit,
                    arrival=arrival,
                    kind=window.kinds[index],
                    score=score,
                    standing=standing,
                    touches=touched[index],
                    words=common,
                    by_release=window in named,
                )
    return sorted(scored.values(), key=_order)


def _order(scored: ScoredCommit) -> tuple[float, float, str]:
    time = scored.commit.timestamp or scored.arrival.at
    return -scored.score, -time.timestamp(), scored.commit.id


def _deployed(
    evidence: ErrorEvidence, windows: Sequence[PreparedWindow]
) -> tuple[list[PreparedWindow], list[PreparedWindow]]:
    """Return the deploys that were there when the error began, and those that the release names."""
    there = [w for w in windows if began(w.window) <= evidence.since + CLOCK_SKEW]
    named = [w for w in there if brings(w.window, evidence.release)]
    if not named:
        return there, []
    latest = max(w.window.deploy_time for w in named)
    return [w for w in there if w.window.deploy_time <= latest], named


def _trace(commit: Commit, touches: Sequence[Touch], near: float, weights: Weights) -> float:
    """Return how much likelier the trace is if this commit caused it than if it did not.

    The cause is at one place of the trace, and the deeper the place, the less likely (`near` is the
    sum of that over all places). Given the place, three things count: how rarely its file is
    touched, how surely this is the file, and the function.
    """
    if not touches:
        return 0.0
    found = 0.0
    for touch in touches:
        function = weights.same_function if touch.function else 1.0
        shared = math.pow(touch.touched_by, weights.rarity)
        found += weights.decay**touch.place.depth * touch.surely * function / shared
    return found / near / math.pow(max(1, len(commit.files)), weights.breadth)


def _inclination(
    commit: Commit, kind: Kind, size: float, hints: CorrelationHints | None, weights: Weights
) -> float:
    """Return how often such a commit causes anything, whatever the trace says, as a logarithm."""
    added = TYPICAL_LINES if commit.added is None else commit.added
    answer = size * (math.log1p(added) - math.log1p(TYPICAL_LINES))
    if kind != "code":
        answer += math.log(weights.idle)
    if hints is not None and commit.files:
        if any(_is_under(path, hints.critical_paths) for path in commit.files):
            answer += math.log(weights.hinted)
        elif all(_is_under(path, hints.low_priority_paths) for path in commit.files):
            answer -= math.log(weights.hinted)
    return answer


def _is_under(path: str, prefixes: Sequence[str]) -> bool:
    parts = repository_path(path)
    return any(
        parts[: len(wanted)] == wanted for prefix in prefixes if (wanted := repository_path(prefix))
    )


class _Spoken:
    """The words of an error, each with its weight among the commits that could share it."""

    def __init__(
        self, evidence: ErrorEvidence, where: Sequence[Place], windows: Sequence[PreparedWindow]
    ) -> None:
        texts = [evidence.exception_type.rpartition(".")[2], evidence.message[:MAX_MESSAGE]]
        texts.append(evidence.api_route or "")
        for place in where[:TRACE_WORDS]:
            texts += (file_stem(place.file), place.function)
        count = sum(len(window.commits) for window in windows)
        saying = Counter[str]()
        for window in windows:
            saying.update(window.saying)
        self._weights = {
            word: rarity(count, saying[word])
            for word in sorted(frozenset[str]().union(*map(words, texts)))
        }
        self._total = sum(self._weights.values())

    def shared(self, said: frozenset[str]) -> tuple[float, list[str]]:
        """Return the share (0-1) of the error's words, by weight, that are said, rarest first."""
        if said.isdisjoint(self._weights):
            return 0.0, []
        common = sorted(said & self._weights.keys(), key=lambda word: (-self._weights[word], word))
        return sum(self._weights[word] for word in common) / self._total, common
