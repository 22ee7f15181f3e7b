"""Count the issues that are alive: the more there are, the more surprising a spike must be."""

from engine.memory.records import Issue
from engine.memory.state import State
from engine.statistics import alarm_budget


def note_alive(state: State, issue: Issue, at: float) -> None:
    """Note that an event of this issue comes at `at`; it is not counted in the issue yet."""
    clock = state.clock
    age_s = max(at - issue.last_seen, 0.0) if issue.count else None
    idle_s = max(at - clock.alive_at, 0.0)
    clock.alive = alarm_budget.alive_now(clock.alive, idle_s, age_s)
    clock.alive_at = max(clock.alive_at, at)


def alarm_nats(state: State) -> float:
    """Return the surprise that a spike needs now. A service as a whole is a stream of its own."""
    streams = round(state.clock.alive) + 1
    return alarm_budget.alarm_nats(streams, state.settings.spike_false_alarms_per_week)
