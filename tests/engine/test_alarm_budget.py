"""One budget of false alarms is shared by all that is watched."""

import math

import pytest

from engine.memory.alive import alarm_nats
from engine.memory.state import State
from engine.statistics import negative_binomial
from engine.statistics.alarm_budget import LOOKS, WEEK_MIN, alive_now
from engine.statistics.alarm_budget import alarm_nats as nats_for
from shared.pipe import Inbound
from tests import builders
from tests.engine.drive import run

DAY = 86_400.0


def after(messages: list[Inbound]) -> State:
    state = State()
    run(messages, state)
    return state


@pytest.mark.parametrize("streams", [2, 11, 201, 2_001])
@pytest.mark.parametrize("a_week", [0.1, 1.0, 5.0])
def test_an_alarm_is_what_all_looks_of_a_week_bring_by_chance_as_often_as_the_budget_says(
    streams: int, a_week: float
) -> None:
    by_chance = math.exp(negative_binomial.log_tail(nats_for(streams, a_week)))
    assert by_chance * streams * WEEK_MIN * LOOKS == pytest.approx(a_week, rel=1e-6)


def test_however_large_the_budget_what_comes_one_time_in_a_hundred_is_no_alarm() -> None:
    assert nats_for(1, 1_000.0) < nats_for(1, 1.0)
    assert nats_for(1, 1e9) == nats_for(1, 1e12) > 2.0


def test_the_more_issues_are_alive_the_more_surprising_a_spike_is() -> None:
    few = after([builders.event_entry(n, n, fingerprint=f"issue {n % 3}") for n in range(1, 90)])
    many = after([builders.event_entry(n, n, fingerprint=f"issue {n}") for n in range(1, 90)])
    assert round(few.clock.alive) == 3
    assert round(many.clock.alive) == 89
    assert alarm_nats(many) > alarm_nats(few)


def test_an_issue_that_has_not_come_for_weeks_is_not_alive() -> None:
    before: list[Inbound] = [
        builders.event_entry(n, n, fingerprint=f"issue {n}") for n in range(1, 50)
    ]
    state = after([*before, builders.event_entry(50, 60 * DAY, fingerprint="issue 1")])
    assert round(state.clock.alive) == 1


def test_alive_is_the_sum_of_what_each_stream_counts_for_by_its_age() -> None:
    """Of three streams, each with an event now and then; the sum needs none of them."""
    times = [(0.0, "a"), (1.0, "b"), (2.0, "a"), (2.0, "c"), (5.5, "b"), (9.0, "c")]
    alive, last, seen = 0.0, 0.0, dict[str, float]()
    for day, name in times:
        age = None if name not in seen else (day - seen[name]) * DAY
        alive = alive_now(alive, (day - last) * DAY, age)
        last = seen[name] = day
    assert alive == pytest.approx(sum(math.exp(-(9.0 - day) / 7.0) for day in seen.values()))


def test_the_budget_can_be_set() -> None:
    state = after([builders.settings(1, 0, spike_false_alarms_per_week=20.0)])
    assert alarm_nats(state) == nats_for(1, 20.0) < nats_for(1, 1.0)


def test_no_more_than_the_mean_is_no_surprise() -> None:
    surprises = [negative_binomial.poisson_surprise(count, 5.0) for count in (0.0, 4.9, 5.0)]
    assert surprises == [0.0, 0.0, 0.0]
    assert negative_binomial.poisson_surprise(5.1, 5.0) > 0.0
