"""The ranking's promises for real bugs with known culprits: docs/RANKING.md."""

import sys
from collections.abc import Callable
from types import FrameType

import msgspec
import pytest

from engine.suspects.rank import rank_suspects
from engine.suspects.windows import prepare
from scripts.commands.benchmarks.ranking.cases import (
    CASES,
    Case,
    Shape,
    load_cases,
    question,
    window_of,
)
from scripts.commands.benchmarks.ranking.engine import ask_directly
from scripts.commands.benchmarks.ranking.load import COMMITS, FILES, FRAMES, heavy_error
from scripts.commands.benchmarks.ranking.rules import evidence_of, ours
from scripts.commands.benchmarks.ranking.shapes import SHAPES

needs_cases = pytest.mark.skipif(not CASES.is_file(), reason="needs the recorded cases")


@pytest.fixture(scope="module")
def exceptions() -> list[Case]:
    return [case for case in load_cases() if case.kind == "exception"]


@needs_cases
@pytest.mark.parametrize("with_tests", [False, True])
def test_the_culprit_is_named_first_among_fifty_commits_in_85_of_100_real_exceptions(
    exceptions: list[Case], with_tests: bool
) -> None:
    asked = [question(c, with_tests=with_tests) for c in exceptions if c.window_size == 50]
    ranks = []
    for one, suspects in zip(asked, ask_directly(asked), strict=True):
        named = [each.commit_id for each in suspects]
        ranks.append(named.index(one.case.culprit) + 1 if one.case.culprit in named else None)
    assert sum(rank == 1 for rank in ranks) / len(ranks) >= 0.85
    assert sum(1 / rank for rank in ranks if rank) / len(ranks) >= 0.90


@needs_cases
@pytest.mark.parametrize("size", [10, 50])
def test_where_the_culprit_is_not_there_hardly_anybody_is_accused_with_confidence(
    exceptions: list[Case], size: int
) -> None:
    asked = [question(c, culprit_there=False) for c in exceptions if c.window_size == size]
    sure = [bool(named) and named[0].confidence > 0.5 for named in ask_directly(asked)]
    assert sum(sure) / len(sure) <= 0.10


@needs_cases
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_paths_of_another_platform_rank_the_same(exceptions: list[Case], shape: Shape) -> None:
    for case in exceptions:
        assert ours(question(case, shape=shape).event) == ours(question(case).event), case.case_id


def calls_in(work: Callable[[], object]) -> int:
    """How many functions `work` calls, the interpreter's included: the same on any machine."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def work_to_rank(commits: int, frames: int) -> tuple[int, int]:
    """The calls to prepare a deploy of so many commits, and to rank by so many frames."""
    event = heavy_error()
    evidence, window = evidence_of(event), window_of(event)
    evidence = msgspec.structs.replace(evidence, stacktrace=evidence.stacktrace[:frames])
    window = msgspec.structs.replace(window, commits=window.commits[:commits])
    rank_suspects(
        evidence, [prepare(window)]
    )  # From here on, everything that is cached between calls is there.
    prepared = prepare(window)
    return calls_in(lambda: prepare(window)), calls_in(lambda: rank_suspects(evidence, [prepared]))


def test_twice_the_deploy_or_twice_the_trace_is_no_more_than_twice_the_work() -> None:
    whole = work_to_rank(COMMITS, FRAMES)
    fewer_commits = work_to_rank(COMMITS // 2, FRAMES)
    fewer_frames = work_to_rank(COMMITS, FRAMES // 2)
    assert whole[0] <= 2.1 * fewer_commits[0]
    assert whole[1] <= 2.1 * fewer_commits[1]
    assert whole[1] <= 2.1 * fewer_frames[1]


def test_a_large_deploy_is_ranked_without_a_look_at_every_file_for_every_frame() -> None:
    prepared, ranked = work_to_rank(COMMITS, FRAMES)
    assert prepared < 10 * COMMITS * FILES
    assert ranked < COMMITS * FILES * FRAMES / 10
