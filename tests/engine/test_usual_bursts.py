"""What is told, decided and remembered of an issue that bursts each day."""

from engine.memory.state import State
from engine.statistics.burst_memory import REMEMBERED_S, Burst, no_lower
from shared.pipe import Decision, Inbound
from tests import builders
from tests.engine.drive import of_type, run, told


def days(first: int, last: int, seq: int, high: int = 1) -> list[Inbound]:
    times = builders.bursting_days(first, last, high)
    return [builders.event_entry(seq + n, at) for n, at in enumerate(times)]


def usual_bursts(state: State) -> int:
    (issue,) = state.issues.values()
    return issue.usual_bursts


def test_of_a_week_all_bursts_count_that_were_no_lower_and_no_shorter() -> None:
    burst = Burst(REMEMBERED_S, 15.0, 30.0)
    like = [Burst(0.0, 10.0, 20.0), Burst(1.0, 10.0, 20.0)]
    assert no_lower(like, burst) == like
    unlike = [Burst(-1.0, 10.0, 20.0), Burst(1.0, 9.9, 20.0), Burst(1.0, 10.0, 19.9)]
    assert no_lower(unlike, burst) == []


def test_a_burst_as_usual_is_told_to_nobody_and_its_decisions_say_so() -> None:
    state = State()
    first = days(0, 7, 1)
    spikes = told(run(first, state)).count(("opened", "spike"))
    assert 3 <= spikes <= 4
    out = run(days(7, 12, len(first) + 1), state)
    assert told(out) == []
    usual = [line for line in of_type(out, Decision) if line.code == "usual_burst"]
    assert usual
    assert {line.numbers["bursts"] for line in usual} <= {4, 5, 6, 7, 8}
    assert usual_bursts(state) >= 4


def test_a_higher_burst_than_usual_is_told() -> None:
    state = State()
    known = days(0, 12, 1)
    run(known, state)
    out = run(days(12, 13, len(known) + 1, high=5), state)
    assert ("opened", "spike") in told(out)
    assert usual_bursts(state) == 0
