"""Each try comes later than the last; after a healthy minute, the next comes at once."""

from hypothesis import given
from hypothesis import strategies as st

from server.process.backoff import Backoff
from server.supervisor.supervisor import FIRST_RESTART_S, LONGEST_RESTART_S


def test_delays_double_from_half_a_second_to_thirty() -> None:
    backoff = Backoff(FIRST_RESTART_S, LONGEST_RESTART_S, lambda: 1.0)
    delays = [backoff.failed(after_s=0) for _ in range(9)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_what_ends_after_a_minute_of_health_is_tried_at_once_and_after_less_is_not() -> None:
    backoff = Backoff(0.5, 30.0, lambda: 1.0)
    for _ in range(5):
        backoff.failed(after_s=0)
    assert backoff.failed(after_s=59.9) == 16
    assert backoff.failed(after_s=60) == 0
    assert backoff.failed(after_s=0) == 0.5
    assert backoff.failed(after_s=0) == 1


def test_it_begins_anew_when_the_cause_is_gone() -> None:
    backoff = Backoff(0.5, 30.0, lambda: 1.0)
    backoff.failed(after_s=0)
    backoff.forget()
    assert backoff.failed(after_s=0) == 0.5


@given(st.integers(0, 5_000), st.floats(0, 1, exclude_max=True))
def test_no_delay_is_longer_than_the_longest_or_shorter_than_half_the_first(
    failures: int, chance: float
) -> None:
    backoff = Backoff(0.5, 30.0, lambda: chance)
    for _ in range(failures):
        backoff.failed(after_s=0)
    assert 0.25 <= backoff.failed(after_s=0) <= 30
