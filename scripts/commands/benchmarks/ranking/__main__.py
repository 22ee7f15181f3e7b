"""Measures how often the suspect commit is the right one, and how sure it is: docs/RANKING.md.

Runs `python -m engine`, or with --direct only the ranking. Does nothing if there are no cases.
With --answers, it measures by what people answered about suspects (scripts/labelled-suspects).
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.suspects.confidence import probabilities
from engine.suspects.rank import rank_suspects
from engine.suspects.score import WEIGHTS, Weights
from engine.suspects.windows import prepare
from scripts.commands.benchmarks.ranking.cases import (
    CASES,
    Case,
    Question,
    load_cases,
    question,
    window_of,
)
from scripts.commands.benchmarks.ranking.engine import ask_directly, ask_engine
from scripts.commands.benchmarks.ranking.figures import (
    METRICS,
    Told,
    brier,
    brier_gain,
    mean,
    rank_of,
    reliability,
)
from scripts.commands.benchmarks.ranking.load import heavy_error
from scripts.commands.benchmarks.ranking.rules import RULES, evidence_of, ours
from scripts.commands.benchmarks.ranking.shapes import SHAPES
from scripts.commands.benchmarks.ranking.worth import (
    STEADY,
    WITHOUT,
    Scored,
    calibrate,
    surprise,
    varied,
)
from shared.incident import SuspectCommit

GROUPS = (("exception", 50), ("exception", 10), ("assertion", 50), ("assertion", 10))
ANSWERED = (("exception", None),)
"""Own answers are few, and after deploys of any size: all of them are one group."""

Group = tuple[str, int | None]
"""A kind of cases, and the size of their windows; None for any."""

Ask = Callable[[Sequence[Question]], list[list[SuspectCommit]]]
Ranked = Sequence[tuple[Case, Sequence[str]]]


def main() -> int:
    """Print every table."""
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/ranking", description=__doc__)
    parser.add_argument("--cases", type=Path, default=CASES, help="a file of cases")
    parser.add_argument("--answers", type=Path, help="a file of scripts/labelled-suspects")
    parser.add_argument("--direct", action="store_true", help="without the engine's process")
    arguments = parser.parse_args()
    path = arguments.answers or arguments.cases
    cases = load_cases(path) if path.is_file() else []
    if not cases:
        print(f"skipped: there are no cases at {path}")
        return 0
    ask = ask_directly if arguments.direct else ask_engine
    if arguments.answers:
        print_ranks(cases, ask, ANSWERED, with_tests=True)
        print_confidence(cases, ask, ANSWERED)
        return 0
    print_rankings(cases, ask)
    print_confidence(cases, ask)
    print_transfer(cases)
    print_worth(cases)
    print_shapes(cases)
    print_time()
    return 0


def print_rankings(cases: Sequence[Case], ask: Ask) -> None:
    """Print ours beside the rules of others, with and without the frames of tests."""
    for with_tests in (False, True):
        print_ranks(cases, ask, GROUPS, with_tests=with_tests)


def print_ranks(
    cases: Sequence[Case], ask: Ask, groups: Sequence[Group], *, with_tests: bool
) -> None:
    """Print ours beside the rules of others; these take all deploys for one."""
    print(f"\n## Ranking, frames of tests {'kept' if with_tests else 'removed'}\n")
    asked = [question(case, with_tests=with_tests) for case in cases]
    for name, rule in RULES.items():
        ranked = [(one.case, rule(one.as_one_deploy())) for one in asked]
        _print_ranks(name, ranked, groups)
    answers = zip(asked, ask(asked), strict=True)
    named = [(one.case, [each.commit_id for each in suspects]) for one, suspects in answers]
    _print_ranks("ours, as the incident names them", named, groups)
    for name in ("all of them", "size", "size and breadth"):
        ranked = [(one.case, ours(one.event, WITHOUT[name], one.windows)) for one in asked]
        label = "every commit ranked" if name == "all of them" else f"without {name}"
        _print_ranks(f"ours, {label}", ranked, groups)


def _print_ranks(name: str, ranked: Ranked, groups: Sequence[Group] = GROUPS) -> None:
    print(f"{name}")
    for group in groups:
        rows = [
            (case.bug, rank_of(case.culprit, ids)) for case, ids in ranked if _is_in(case, group)
        ]
        if not rows:
            continue
        figures = (
            f"{metric} {mean((bug, value(rank)) for bug, rank in rows)}"
            for metric, value in METRICS.items()
        )
        print(f"  {_label(group):<13} n={len(rows):<3} ", "  ".join(figures))


def print_confidence(cases: Sequence[Case], ask: Ask, groups: Sequence[Group] = GROUPS) -> None:
    """Print whether a confidence is what it says, and what is said without the culprit."""
    there = [question(case) for case in cases]
    gone = [question(case, culprit_there=False) for case in cases]
    told = [_told(one.case, named) for one, named in zip(there, ask(there), strict=True)]
    without = [_told(one.case, named) for one, named in zip(gone, ask(gone), strict=True)]
    labelled = [(_label(group), group) for group in groups]
    print("\n## Confidence in the first suspect, frames of tests removed\n")
    for label, wanted in (("all", None), *labelled):
        members = [one for one in told if _is_in(one.case, wanted)]
        named = [one for one in members if one.confidence > 0]
        print(f"{label}: a suspect is named in {len(named)} of {len(members)}")
        if named:
            gain = brier_gain(named)
            print(f"  of those: Brier {brier(named)}, better than a constant by {gain}")
        lone = [one for one in without if _is_in(one.case, wanted)]
        sure = mean((one.case.bug, float(one.confidence > 0.5)) for one in lone)
        nobody = mean((one.case.bug, float(one.confidence == 0)) for one in lone)
        print(f"  culprit taken out: confidence over 0.5 in {sure}, nobody named in {nobody}")
    for label, kinds in (("all", ("exception", "assertion")), ("exceptions", ("exception",))):
        print(f"\n{label}, with the culprit there:")
        _print_reliability([one for one in told if one.case.kind in kinds])
        print(f"{label}, half of the windows without it:")
        _print_reliability([one for one in told + without if one.case.kind in kinds])


def _is_in(case: Case, wanted: Group | None) -> bool:
    if wanted is None:
        return True
    kind, size = wanted
    return case.kind == kind and size in (None, case.window_size)


def _label(group: Group) -> str:
    kind, size = group
    return kind if size is None else f"{kind} w{size}"


def _told(case: Case, suspects: Sequence[SuspectCommit]) -> Told:
    if not suspects:
        return Told(case, 0.0, False)
    return Told(case, suspects[0].confidence, suspects[0].commit_id == case.culprit)


def _print_reliability(told: Sequence[Told]) -> None:
    for edge, members in reliability([one for one in told if one.confidence > 0]):
        said = sum(one.confidence for one in members) / len(members)
        right = mean((one.case.bug, float(one.right)) for one in members)
        print(f"  {edge:.1f}-{edge + 0.2:.1f}  n={len(members):<4} said {said:.2f}  right {right}")


def print_transfer(cases: Sequence[Case]) -> None:
    """Print each project's confidences when calibrated on the other projects."""
    print("\n## Calibrated on the other projects\n")
    scored = _all_scored(cases)
    print("on all: temperature {:.2f}, none {:.2f}".format(*calibrate(scored)))
    told: list[Told] = []
    sure: list[tuple[str, float]] = []
    for project in sorted({case.project for case in cases}):
        others = [one for one in scored if one.case.project != project]
        pair = calibrate(others)
        print(f"  without {project}: temperature {pair[0]:.2f}, none {pair[1]:.2f}")
        for one in scored:
            if one.case.project == project:
                first = probabilities(one.scores, len(one.scores), *pair)[0]
                if one.right is None:
                    sure.append((one.case.bug, float(first > 0.5)))
                else:
                    told.append(Told(one.case, first, one.right == 0))
    print(f"Brier {brier(told)}, better than a constant by {brier_gain(told)}")
    print(f"culprit not there: confidence over 0.5 in {mean(sure)}")
    _print_reliability(told)


def print_worth(cases: Sequence[Case]) -> None:
    """Print the figures without each constant of the score, and with half or twice as much."""
    groups = GROUPS[:3]
    print("\n## Without each constant, frames of tests removed\n")
    print(
        f"{'without':<26}"
        + "".join(f"{f'{kind} w{size}':<22}" for kind, size in groups)
        + "surprise"
    )
    for name, weights in WITHOUT.items():
        scored = _all_scored(cases, weights)
        exceptions = [one for one in scored if one.case.kind == "exception"]
        surprised = surprise(exceptions, *calibrate(exceptions))
        cells = "".join(f"{_first_and_mrr(scored, group):<22}" for group in groups)
        print(f"{name:<26}{cells}{surprised:.3f}")
    print("\n## Half and twice each constant: exceptions w50\n")
    for name in STEADY:
        half, twice = (
            _first_and_mrr(_all_scored(cases, varied(name, factor)), GROUPS[0])
            for factor in (0.5, 2.0)
        )
        print(f"{name:<16}half {half:<24}twice {twice}")


def _all_scored(cases: Sequence[Case], weights: Weights = WEIGHTS) -> list[Scored]:
    return [
        Scored(question(case, culprit_there=there), weights)
        for case in cases
        for there in (True, False)
    ]


def _first_and_mrr(scored: Sequence[Scored], group: Group) -> str:
    ranks = [one.right + 1 for one in scored if one.right is not None and _is_in(one.case, group)]
    first = sum(rank == 1 for rank in ranks) / len(ranks)
    return f"acc@1 {first:.2f} MRR {sum(1 / rank for rank in ranks) / len(ranks):.3f}"


def print_shapes(cases: Sequence[Case]) -> None:
    """Print whether the ranking is the same if paths have another platform's shape."""
    print("\n## Paths of other shapes: exceptions, frames of tests removed\n")
    exceptions = [case for case in cases if case.kind == "exception"]
    plain = [ours(question(case).event) for case in exceptions]
    for name, shape in SHAPES.items():
        shaped = [ours(question(case, shape=shape).event) for case in exceptions]
        same = sum(one == other for one, other in zip(plain, shaped, strict=True))
        print(f"{name:<12} the same order of all commits in {same} of {len(plain)}")
        _print_ranks(f"{name}-shaped", list(zip(exceptions, shaped, strict=True)))


def print_time() -> None:
    """Print how long a ranking of 100 commits of 50 files by 60 frames takes (prepared window)."""
    event = heavy_error()
    window = window_of(event)
    evidence = evidence_of(event)
    ready = prepare(window)
    print("\n## Time: 100 commits of 50 files, 60 frames\n")
    print(f"prepare, once for a deploy  {_fastest(lambda: prepare(window)):.1f} ms")
    print(
        f"rank                        {_fastest(lambda: rank_suspects(evidence, [ready])):.1f} ms"
    )


def _fastest(work: Callable[[], object], times: int = 50) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best * 1000


if __name__ == "__main__":
    sys.exit(main())
