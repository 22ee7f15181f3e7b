"""The suspects of an error: which commits most likely caused it, why, and how sure that is."""

from collections.abc import Sequence

from engine.stack.paths import EXACT
from engine.suspects.commit_kinds import IN_WORDS
from engine.suspects.confidence import probabilities
from engine.suspects.score import ErrorEvidence, ScoredCommit, score_commits
from engine.suspects.touches import Touch
from engine.suspects.windows import PreparedWindow
from shared.deploy import deploy_identity
from shared.incident import SuspectCommit
from shared.text import first_line

MAX_SUSPECTS = 10
FLOOR = 0.1
"""Where even the best is the cause less than once in ten times, there is no suspect."""
BESIDE = 0.02
"""Beside a suspect, others are named down to once in fifty times."""

MAX_TITLE = 200
_MANY_LINES = 100
_UNITS = (("day", 24 * 60), ("hour", 60), ("minute", 1))
_SHOWN = 3
"""Files or words that are named of each sort of evidence."""


def rank_suspects(
    evidence: ErrorEvidence, windows: Sequence[PreparedWindow]
) -> list[SuspectCommit]:
    """The commits that may be the cause, the likeliest first; empty where there is no suspect."""
    scored = score_commits(evidence, windows)
    confidences = probabilities(
        [each.score for each in scored], sum(each.standing for each in scored)
    )
    if not confidences or confidences[0] < FLOOR:
        return []
    return [
        _suspect(each, confidence, evidence)
        for each, confidence in zip(scored[:MAX_SUSPECTS], confidences, strict=False)
        if confidence >= BESIDE
    ]


def _suspect(scored: ScoredCommit, confidence: float, evidence: ErrorEvidence) -> SuspectCommit:
    commit = scored.commit
    return SuspectCommit(
        commit_id=commit.id,
        score=round(scored.score, 3),
        confidence=round(confidence, 3),
        evidence=_in_words(scored, evidence),
        author=commit.author,
        message=first_line(commit.message)[:MAX_TITLE],
        url=commit.url,
        deploy_time=scored.deploy.deploy_time,
        deploy_id=deploy_identity(scored.deploy),
    )


def _in_words(scored: ScoredCommit, evidence: ErrorEvidence) -> list[str]:
    found = _touches_in_words(scored.touches)
    if scored.words:
        said = ", ".join(f"“{word}”" for word in scored.words[:_SHOWN])
        found.append(f"its message speaks of {said}, as the error does")
    if scored.by_release and evidence.release:
        found.append(f"it came with release {evidence.release}, where the error was first seen")
    if scored.kind in IN_WORDS:
        found.append(f"less likely, as {IN_WORDS[scored.kind]}")
    if scored.commit.added is not None and scored.commit.added >= _MANY_LINES:
        found.append(f"it adds {scored.commit.added} lines")
    minutes = round((evidence.since - scored.deploy.deploy_time).total_seconds() / 60)
    found.append(_age_in_words(minutes))
    return found


def _touches_in_words(touches: Sequence[Touch]) -> list[str]:
    shown: dict[str, Touch] = {}
    for touch in touches:
        key = touch.path or touch.function or ""
        if key not in shown or (touch.function and not shown[key].function):
            shown[key] = touch
    return [_touch_in_words(touch) for touch in list(shown.values())[:_SHOWN]]


def _touch_in_words(touch: Touch) -> str:
    where = "where the error was raised" if touch.place.depth == 0 else "on the way to the error"
    if not touch.path:
        return f"it changes a function {touch.place.function}, the name of one {where}"
    what = f"{touch.place.function} in {touch.path}" if touch.function else touch.path
    surely = "" if touch.surely == EXACT else "probably "
    alone = "; no other commit of the deploy touches this file" if touch.touched_by == 1 else ""
    return f"it changes {what}, {surely}{where}{alone}"


def _age_in_words(minutes: int) -> str:
    if minutes <= 0:
        return "it was deployed as the error began"
    unit, length = next(
        (unit, length) for unit, length in _UNITS if minutes >= 2 * length or length == 1
    )
    count = minutes // length
    return f"it was deployed {count} {unit}{'s' if count > 1 else ''} before the error"
