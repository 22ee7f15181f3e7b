"""What the ranking promises on real bugs whose culprits are known: docs/RANKING.md."""

import time

import pytest

from engine.suspects import rank_suspects
from engine.windows import prepare
from scripts.benchmarks.ranking_cases import CASES, Case, Shape, load_cases, question, window_of
from scripts.benchmarks.ranking_engine import ask_directly
from scripts.benchmarks.ranking_load import heavy_error
from scripts.benchmarks.ranking_rules import evidence_of, ours
from scripts.benchmarks.ranking_shapes import SHAPES

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


def test_a_large_deploy_is_ranked_in_less_than_five_milliseconds() -> None:
    event = heavy_error()
    evidence, window = evidence_of(event), prepare(window_of(event))
    best = float("inf")
    for _ in range(50):
        start = time.perf_counter()
        assert rank_suspects(evidence, [window])
        best = min(best, time.perf_counter() - start)
    assert best < 0.005
