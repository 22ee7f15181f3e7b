"""Count a service's recent errors, to compare them with those after a deploy."""

from engine.memory.records import RecentErrors, Scope, scope_key
from engine.memory.state import State
from shared.incident import ErrorRate

BEFORE_MIN = 30
"""Minutes counted before a deploy: as many as it is watched for after it."""

_KEPT_MIN = 2 * BEFORE_MIN
"""A deploy may be announced when it has been live for half an hour."""


def count_recent(state: State, key: str, at: float) -> None:
    """Count an error of the known service of this `scope_key` at `at` (seconds of the epoch)."""
    minute = int(at // 60.0)
    recent = state.recent.get(key)
    if recent is None:
        recent = state.recent[key] = RecentErrors(minute, {})
    counts = recent.counts
    counts[minute] = counts.get(minute, 0) + 1
    # Old ones stay for a while, because to look for them costs as much as all are.
    if len(counts) > 2 * _KEPT_MIN:
        newest = max(counts)
        for old in [each for each in counts if each < newest - _KEPT_MIN]:
            del counts[old]
    state.changed.recent(key)


def sends_events(state: State, service: str) -> bool:
    """Return whether an error of this service has been counted anywhere, of late."""
    return any(scope[0] == service and scope_key(scope) in state.recent for scope in state.services)


def errors_before(state: State, scope: Scope, deployed: float) -> ErrorRate | None:
    """Return the errors of the last whole minutes before the one in which a deploy went live.

    Return None if the service has been known for less than a minute by then.
    """
    recent = state.recent.get(scope_key(scope))
    if recent is None:
        return None
    end = int(deployed // 60.0)
    start = max(end - BEFORE_MIN, recent.since)
    if start >= end:
        return None
    events = sum(count for minute, count in recent.counts.items() if start <= minute < end)
    return ErrorRate(events, float(end - start))
