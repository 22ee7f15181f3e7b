"""The deploy verdict comes as soon as it is certain, and never because of a later error."""

import math
import random

import msgspec
import pytest

from engine.statistics.deploy_verdict import (
    FAULTY_P,
    MAX_WATCHED,
    VerdictReading,
    Watch,
    count_error,
    judge,
    new_watch,
)
from server.wording.reasons import say
from shared.deploy import WATCH_S

NEW_ISSUE_A_WEEK = 1 / (7 * 1440)
JUST_MET = 0.2
MINUTE = 60.0


def watch(new_rate: float = NEW_ISSUE_A_WEEK, late_s: float = 0.0) -> Watch:
    return new_watch(0.0, late_s, new_rate)


def seen(watch: Watch, count: int, usual: float | None, key: str = "k") -> Watch:
    for _ in range(count):
        count_error(watch, key, f"TypeError in {key}.py", usual)
    return watch


def verdict(found: VerdictReading | None) -> str | None:
    return None if found is None else found.verdict


def words(found: VerdictReading) -> list[str]:
    return [say(each) for each in found.reasons]


def test_a_new_error_that_repeats_makes_a_deploy_faulty_within_its_first_minutes() -> None:
    found = judge(seen(watch(), 3, None), 2 * MINUTE)
    assert found is not None
    assert (found.verdict, found.blamed) == ("faulty", "k")
    assert words(found) == ["TypeError in k.py: 3 in 2 minutes, never seen before this deploy"]


def test_one_single_new_error_makes_a_deploy_suspect_and_only_at_the_end() -> None:
    one = seen(watch(), 1, None)
    assert judge(one, WATCH_S - 1) is None
    assert verdict(judge(one, WATCH_S)) == "suspect"


def test_a_known_error_that_comes_much_more_often_makes_a_deploy_faulty() -> None:
    found = judge(seen(watch(), 31, 0.03), 6 * MINUTE)
    assert found is not None
    assert found.verdict == "faulty"
    assert words(found) == ["TypeError in k.py: 31 in 6 minutes, 0.18 expected"]


@pytest.mark.parametrize(
    ("at_s", "least"),
    [
        (2 * MINUTE, 18),
        (2 * MINUTE + 1, 24),
        (5 * MINUTE, 24),
        (5 * MINUTE + 1, 31),
        (10 * MINUTE, 31),
        (10 * MINUTE + 1, 42),
        (20 * MINUTE, 42),
        (20 * MINUTE + 1, 52),
        (30 * MINUTE, 52),
    ],
)
def test_a_count_is_set_beside_what_is_usual_by_the_end_of_the_running_look(
    at_s: float, least: int
) -> None:
    """One in two minutes is usual: the fewest with a probability under 1 in 100, by five looks."""
    assert verdict(judge(seen(watch(), least - 1, 0.5), at_s)) != "faulty"
    assert verdict(judge(seen(watch(), least, 0.5), at_s)) == "faulty"


def test_what_would_be_suspect_is_said_at_the_end_from_1_in_10_on() -> None:
    assert verdict(judge(seen(watch(), 37, 0.5), WATCH_S)) == "clean"
    assert verdict(judge(seen(watch(), 38, 0.5), WATCH_S)) == "suspect"
    assert judge(seen(watch(), 38, 0.5), WATCH_S - 1) is None


def test_two_new_errors_are_no_fault_and_three_are() -> None:
    assert judge(seen(watch(), 2, None), 15 * MINUTE) is None
    found = judge(seen(watch(), 3, None), 15 * MINUTE)
    assert found is not None
    assert words(found) == ["TypeError in k.py: 3 in 15 minutes, never seen before this deploy"]


def test_a_known_error_at_its_usual_rate_leaves_a_deploy_clean() -> None:
    usual = seen(watch(), 60, 2.0)
    assert judge(usual, WATCH_S - 1) is None
    found = judge(usual, WATCH_S)
    assert found is not None
    assert found.verdict == "clean"
    assert words(found) == ["60 errors in 30 minutes, no issue more often than usual"]


def test_a_deploy_without_any_error_is_clean() -> None:
    found = judge(watch(), WATCH_S)
    assert found is not None
    assert (found.verdict, words(found)) == ("clean", ["no errors in 30 minutes"])


def test_of_a_service_that_is_hardly_known_nothing_is_claimed() -> None:
    assert verdict(judge(seen(watch(JUST_MET), 3, None), WATCH_S)) == "too_little_data"


def test_of_a_deploy_that_is_told_of_an_hour_later_nothing_is_claimed() -> None:
    late = watch(late_s=3600.0)
    found = judge(late, 3600.0)
    assert found is not None
    assert found.verdict == "too_little_data"
    assert "60 minutes after" in words(found)[0]


def of_new_issues(count: int) -> VerdictReading:
    many = watch()
    for number in range(count):
        seen(many, 20 + number, None, key=f"k{number}")
    found = judge(many, 5 * MINUTE)
    assert found is not None
    return found


def test_the_worst_issue_comes_first_and_the_list_stays_short() -> None:
    found = of_new_issues(10)
    assert found.blamed == "k9"
    assert len(found.reasons) == 6
    assert words(found)[-1] == "and 5 more issues"


def test_a_list_that_just_fits_is_whole() -> None:
    found = of_new_issues(5)
    assert len(found.reasons) == 5
    assert not any("more issue" in each for each in words(found))


def test_a_watch_that_was_stored_goes_on_the_same() -> None:
    kept = seen(watch(), 2, None)
    again = msgspec.json.decode(msgspec.json.encode(kept), type=Watch)
    assert judge(seen(again, 1, None), 60.0) == judge(seen(kept, 1, None), 60.0)


@pytest.mark.parametrize("rate", [0.05, 1.0, 10.0])
def test_harmless_deploys_are_hardly_ever_called_faulty(rate: float) -> None:
    """Poisson events at the usual rate, judged at each event as well as at the end."""
    dice = random.Random(f"harmless {rate}")
    deploys = 400
    faulty = sum(_is_called_faulty(dice, rate) for _ in range(deploys))
    # The budget is for clusters of retries, which these events do not have.
    assert faulty <= FAULTY_P * deploys


def _is_called_faulty(dice: random.Random, rate: float) -> bool:
    harmless = watch()
    at = 0.0
    while True:
        at += dice.expovariate(rate) * MINUTE
        if at >= WATCH_S:
            return verdict(judge(harmless, WATCH_S)) == "faulty"
        seen(harmless, 1, rate)
        if verdict(judge(harmless, at)) == "faulty":
            return True


def test_a_tail_is_exact_where_it_can_be_told_otherwise() -> None:
    """With one expected event of variance 5 a count of 0 has the probability 5**-0.25."""
    from engine.statistics.deploy_verdict import _log_tail

    assert math.exp(_log_tail(1, 1.0)) == pytest.approx(1.0, abs=1e-9)
    assert math.exp(_log_tail(1, 0.5)) == pytest.approx(1 - 5**-0.125, rel=1e-4)


def test_so_many_issues_are_watched_and_no_more() -> None:
    watched = watch()
    for number in range(MAX_WATCHED + 1):
        count_error(watched, f"issue {number}", "x", None)
    assert len(watched.issues) == MAX_WATCHED
    assert watched.events == MAX_WATCHED + 1
