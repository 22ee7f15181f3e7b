"""Rate how urgent an incident is, from 0 to 100: a sum that people can follow."""

import math

from engine.memory.records import OpenIncident
from shared.incident import Trigger

_SEVERITY = {"warning": 5, "error": 25, "critical": 45}
_TRIGGER: dict[Trigger, int] = {
    "deploy": 0,
    "alert": 8,
    "new_issue": 12,
    "regression": 15,
    "spike": 15,
}
_PRODUCTION = 10
_MOST_BY_SIZE = 15
_MOST_BY_BREADTH = 10
_MOST_BY_FACTOR = 5


def priority(incident: OpenIncident, in_production: bool) -> int:
    """Add up severity, trigger and place, then the cost: events, issues, how far above the usual.

    A deploy has no urgency of its own.
    """
    if incident.trigger == "deploy":
        return 10 if in_production else 5
    factor = max((symptom.factor for symptom in incident.symptoms.values()), default=1.0)
    score = (
        _SEVERITY[incident.severity]
        + _TRIGGER[incident.trigger]
        + in_production * _PRODUCTION
        + min(_MOST_BY_SIZE, 5 * math.log10(max(incident.event_count, 1)))
        + min(_MOST_BY_BREADTH, 5 * math.log10(max(incident.issue_count, 1)))
        + min(_MOST_BY_FACTOR, 2.5 * math.log10(max(factor, 1.0)))
    )
    return min(100, round(score))
