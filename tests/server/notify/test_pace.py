"""The first few are told one by one, then digests; never more than the limit, and nobody waits
for ever."""

from hypothesis import given
from hypothesis import strategies as st

from server.notify.delivery.pace import (
    EMAIL,
    SECOND_US,
    SLACK_BOT,
    SLACK_WEBHOOK,
    Hold,
    Meter,
    Pace,
    Send,
    letters_within,
    next_step,
)
from server.storage.times import to_micros
from tests.clock import Clock

NOW = 1_000_000 * SECOND_US


def ago(*seconds: int) -> list[int]:
    return [NOW - each * SECOND_US for each in seconds]


def test_the_first_are_told_one_by_one() -> None:
    assert next_step(EMAIL, [], 500, NOW) == Send(1)
    assert next_step(EMAIL, ago(4, 3, 2, 1), 496, NOW) == Send(1)


def test_what_comes_then_waits_for_a_digest_of_all_of_it() -> None:
    sent = ago(50, 40, 30, 20, 10)
    assert next_step(EMAIL, sent, 495, NOW) == Hold(NOW + 110 * SECOND_US)
    assert next_step(EMAIL, ago(160, 150, 140, 130, 120), 495, NOW) == Send(495)
    assert next_step(SLACK_BOT, ago(*range(100, 30, -3)), 495, NOW) == Send(40)


def test_when_it_is_calm_again_they_are_told_one_by_one_again() -> None:
    assert next_step(EMAIL, ago(900, 800, 700, 650, 601, 500), 1, NOW) == Send(1)


def test_what_is_urgent_waits_for_no_digest_and_comes_together_after_seconds() -> None:
    sent = ago(50, 40, 30, 20, 10)
    assert next_step(EMAIL, sent, 495, NOW, urgent=3) == Send(3)
    assert next_step(EMAIL, ago(*range(30, 0, -1)), 495, NOW, urgent=3) == Hold(NOW + 4 * SECOND_US)
    assert next_step(EMAIL, ago(*range(60, 4, -5)), 900, NOW, urgent=900) == Send(500)


paces = st.builds(
    Pace,
    singles=st.integers(1, 5),
    messages=st.integers(5, 8),
    window_s=st.integers(60, 600),
    digest_every_s=st.integers(1, 200),
    most_at_once=st.integers(1, 100),
    per_minute=st.just(60),
)


@given(paces, st.lists(st.integers(0, 300), min_size=1, max_size=120))
def test_no_window_has_more_messages_than_allowed_and_all_is_told(
    pace: Pace, gaps: list[int]
) -> None:
    arrivals: list[int] = []
    for gap in gaps:
        arrivals.append((arrivals[-1] if arrivals else NOW) + gap * SECOND_US)
    sent: list[int] = []
    now, told = NOW, 0
    while told < len(arrivals):
        waiting = sum(at <= now for at in arrivals) - told
        if not waiting:
            now = arrivals[told]
            continue
        step = next_step(pace, sent, waiting, now)
        if isinstance(step, Hold):
            assert step.until > now
            now = step.until
            continue
        assert 1 <= step.count <= waiting
        sent.append(now)
        told += step.count
        recent = [at for at in sent if at > now - pace.window_s * SECOND_US]
        assert len(recent) <= pace.messages


def test_a_message_has_no_more_letters_than_the_calls_that_are_left_may_take() -> None:
    assert [letters_within(EMAIL, calls) for calls in (0, 1, 2)] == [0, 500, 500]
    assert [letters_within(SLACK_WEBHOOK, calls) for calls in (0, 1, 50)] == [0, 40, 40]
    # A bot edits an older message for each letter, at most, before it posts the digest.
    assert [letters_within(SLACK_BOT, calls) for calls in (1, 2, 41, 42)] == [0, 1, 40, 40]


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 6))
def test_a_channel_makes_only_so_many_calls_in_any_minute(gaps: list[int], calls: int) -> None:
    clock = Clock()
    meter = Meter(6, clock)
    made: list[int] = []
    for gap in gaps:
        clock.pass_s(gap)
        at = meter.free_at(calls)
        assert (at <= to_micros(clock.now)) == (meter.free() >= calls)
        # No sooner than need be: a moment before, there would have been too many.
        before = [each for each in made if each > at - 1 - 60 * SECOND_US]
        assert at <= to_micros(clock.now) or len(before) + calls > 6
        clock.pass_s((at - to_micros(clock.now)) / SECOND_US)
        for _ in range(calls):
            meter.count()
            made.append(at)
        assert sum(each > at - 60 * SECOND_US for each in made) <= 6
