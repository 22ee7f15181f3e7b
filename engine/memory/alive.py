"""Count the issues that are alive: the more there are, the more surprising a spike must be."""

from engine.memory.state import State
from engine.statistics import alarm_budget
from engine.statistics.baseline import MINUTE_S


def note_alive(state: State, last_seen: float | None, at: float) -> None:
    """Note the first event of an issue in the minute of `at`; `last_seen` is the one before."""
    clock = state.clock
    minute_s = at - at % MINUTE_S
    age_s = None if last_seen is None else minute_s - (last_seen - last_seen % MINUTE_S)
    idle_s = max(minute_s - clock.alive_at, 0.0)
    clock.alive = alarm_budget.alive_now(clock.alive, idle_s, age_s)
    clock.alive_at = max(clock.alive_at, minute_s)


def alarm_nats(state: State) -> float:
    """Return the surprise that a spike needs now. A service as a whole is a stream of its own."""
    streams = round(state.clock.alive) + 1
    return alarm_budget.alarm_nats(streams, state.settings.spike_false_alarms_per_week)
