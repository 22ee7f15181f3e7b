import pytest

from server.wording.deploys import say_events, say_rate, short_name
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
