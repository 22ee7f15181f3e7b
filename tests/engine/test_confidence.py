"""A confidence is a probability that leaves room for "none of them"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.suspects.confidence import NONE, probabilities

scores = st.lists(st.floats(-50, 50), max_size=100)


@given(scores)
def test_the_chances_of_all_commits_leave_some_that_it_is_none(scores: list[float]) -> None:
    chances = probabilities(scores, len(scores))
    assert all(0 <= chance <= 1 for chance in chances)
    assert sum(chances) <= 1 + 1e-9


@given(scores.filter(bool))
def test_a_higher_score_is_never_less_likely(scores: list[float]) -> None:
    chances = probabilities(scores, len(scores))
    ordered = [chance for _, chance in sorted(zip(scores, chances, strict=True))]
    assert ordered == sorted(ordered)


def test_one_commit_with_as_much_evidence_as_for_none_is_even_odds() -> None:
    assert probabilities([NONE], 1) == [pytest.approx(0.5)]


def test_the_same_evidence_convinces_less_among_more_commits() -> None:
    few, many = probabilities([2.0], 10)[0], probabilities([2.0], 100)[0]
    assert many < few


def test_a_rival_takes_from_the_confidence() -> None:
    alone = probabilities([2.0, -3.0], 2)[0]
    beside_a_rival = probabilities([2.0, 1.9], 2)[0]
    assert beside_a_rival < alone


def test_no_commit_has_no_chance() -> None:
    assert probabilities([], 0) == []
