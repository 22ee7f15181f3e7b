from typing import Any

import pytest

from server.storage.main.deploy_figures import DeployFigures
from server.wording.deploys import say_events, say_failed, say_rate, say_restored, short_name
from shared.incident import ErrorRate


@pytest.mark.parametrize(
    ("rate", "events", "a_minute"),
    [
        (ErrorRate(0, 30.0), "0 errors in 30 min", "0"),
        (ErrorRate(1, 30.0), "1 error in 30 min", "0.033"),
        (ErrorRate(50, 1.52), "50 errors in 1.5 min", "33"),
        (ErrorRate(30, 0.17), "30 errors in 10 s", "176"),
        (ErrorRate(123_456, 30.0), "123,456 errors in 30 min", "4,115"),
    ],
)
def test_errors_are_told_with_their_time(rate: ErrorRate, events: str, a_minute: str) -> None:
    assert (say_events(rate), say_rate(rate)) == (events, a_minute)


@pytest.mark.parametrize(
    ("deploy_id", "shown"),
    [("a1b2c3d4" * 5, "a1b2c3d4a1"), ("v2024.11.26-rc1", "v2024.11.26-rc1"), ("x" * 256, "x" * 60)],
)
def test_a_hash_is_cut_and_a_name_is_not(deploy_id: str, shown: str) -> None:
    assert short_name(deploy_id) == shown


def figures(judged: int = 0, failed: int = 0, **changes: Any) -> DeployFigures:
    fields: dict[str, Any] = {"restored": 0, "not_restored": 0, "median_restore_s": None}
    return DeployFigures(
        days=30,
        judged=judged,
        failed=failed,
        change_failure_rate=failed / judged if judged else None,
        **(fields | changes),
    )


@pytest.mark.parametrize(
    ("judged", "failed", "said"),
    [
        (14, 2, "Last 30 days: 2 of 14 deploys failed (14 %)."),
        (1, 1, "Last 30 days: 1 of 1 deploy failed (100 %)."),
        (9, 0, "Last 30 days: 0 of 9 deploys failed (0 %)."),
        (1_200, 1, "Last 30 days: 1 of 1,200 deploys failed (under 1 %)."),
        (0, 0, "No deploy of the last 30 days has been judged."),
    ],
)
def test_failed_deploys_are_told_as_a_share_of_the_judged_ones(
    judged: int, failed: int, said: str
) -> None:
    assert say_failed(figures(judged, failed)) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"restored": 3, "median_restore_s": 2_520.0}, "Median time to restore: 42 min."),
        ({"restored": 1, "median_restore_s": 30.0}, "Median time to restore: under a minute."),
        ({"not_restored": 1}, "1 not restored yet."),
        (
            {"restored": 1, "not_restored": 2, "median_restore_s": 3_900.0},
            "Median time to restore: 1 h 5 min; 2 not restored yet.",
        ),
    ],
)
def test_the_time_to_restore_is_told_with_those_that_are_not_restored(
    changes: dict[str, Any], said: str
) -> None:
    assert say_restored(figures(4, 4, **changes)) == said
