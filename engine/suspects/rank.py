"""Rank the suspects of an error: which commits most likely caused it, why, and how sure that is."""

from collections.abc import Sequence

from engine.stack.paths import EXACT
from engine.suspects.confidence import probabilities
from engine.suspects.score import ErrorEvidence, ScoredCommit, score_commits
from engine.suspects.touches import Touch
from engine.suspects.windows import PreparedWindow
from shared.deploy import deploy_identity
from shared.incident import Numbers, Reason, Said, SuspectCommit
from shared.reasons import Evidence
from shared.text import first_line

MAX_SUSPECTS = 10
FLOOR = 0.05
"""There is no suspect if even the best is the cause less than once in twenty times."""
BESIDE = 0.02
"""Beside a suspect, others are named down to once in fifty times."""

MAX_TITLE = 200
_MANY_LINES = 100
_SHOWN = 3
"""How many files or words are named for each sort of evidence."""


def rank_suspects(
    evidence: ErrorEvidence, windows: Sequence[PreparedWindow]
) -> list[SuspectCommit]:
    """Return the commits that may be the cause, likeliest first; empty if there is no suspect."""
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
        evidence=_reasons(scored, evidence),
        author=commit.author,
        message=first_line(commit.message)[:MAX_TITLE],
        url=commit.url,
        deploy_time=scored.arrival.at,
        deploy_id=deploy_identity(scored.arrival.deploy),
        taken_away=scored.arrival.taken_away,
    )


def _reasons(scored: ScoredCommit, evidence: ErrorEvidence) -> list[Said]:
    found = _touches(scored.touches)
    if scored.words:
        words = ", ".join(scored.words[:_SHOWN])
        found.append(Reason(Evidence.SHARES_WORDS, {"words": words}))
    if scored.by_release and evidence.release:
        found.append(Reason(Evidence.BROUGHT_RELEASE, {"release": evidence.release}))
    if scored.kind != "code":
        found.append(Reason(Evidence.UNLIKELY_KIND, {"kind": scored.kind}))
    if scored.commit.added is not None and scored.commit.added >= _MANY_LINES:
        found.append(Reason(Evidence.ADDS_LINES, {"added": scored.commit.added}))
    minutes = round((evidence.since - scored.arrival.at).total_seconds() / 60)
    what = Evidence.TAKEN_AWAY if scored.arrival.taken_away else Evidence.DEPLOYED_BEFORE
    found.append(Reason(what, {"minutes": minutes}))
    return found


def _touches(touches: Sequence[Touch]) -> list[Said]:
    shown: dict[str, Touch] = {}
    for touch in touches:
        key = touch.path or touch.function or ""
        if key not in shown or (touch.function and not shown[key].function):
            shown[key] = touch
    return [_touch(touch) for touch in list(shown.values())[:_SHOWN]]


def _touch(touch: Touch) -> Reason:
    numbers: Numbers = {"depth": touch.place.depth}
    if touch.function or not touch.path:
        numbers["function"] = touch.place.function or ""
    if not touch.path:
        return Reason(Evidence.TOUCHES_NAME, numbers)
    numbers |= {
        "file": touch.path,
        "sure": int(touch.surely == EXACT),
        "alone": int(touch.touched_by == 1),
    }
    return Reason(Evidence.TOUCHES, numbers)
