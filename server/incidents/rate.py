"""Read how often an incident's events came over time, as the data for a chart.

The decision on each event names its incident, so nothing has to be guessed from event bodies. The
journal says which events came in which stretch of time, because its numbers grow with time. Events
before the incident opened belong to no incident and cannot be counted. For those, the numbers of
the trigger say all there is to say.
"""

from datetime import datetime, timedelta
from itertools import pairwise, takewhile

import msgspec

from server.storage.database import Transaction
from server.storage.journal.journal import Journal
from server.storage.main import decisions, deploys
from server.storage.main.deploys import DeployMark
from server.storage.main.incidents import StoredIncident
from server.storage.times import from_micros, to_micros
from shared.incident import Numbers

MAX_POINTS = 60
LEAD_POINTS = 10
"""How many points before the opening are shown, for the deploys of that time."""

LOOKED_AT_MOST = 200_000
"""How many entries of one stretch are counted at most. A million of them take 0.08 s, so the
longest flood takes no more than a second, in a thread that holds up nobody else."""

_MAX_DEPLOYS = 20
_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)


class RatePoint(msgspec.Struct, frozen=True):
    """The events that arrived from `at` until the next point.

    With `at_least`, there may be more, because there were too many entries of all kinds to look at.
    """

    at: datetime
    events: int
    at_least: bool


class Baseline(msgspec.Struct, frozen=True):
    """What the trigger of a spike compared with, in events a stretch.

    `usual` is the usual number, and about `spike_from` make a spike. `window_events` came in the
    `window_min` minutes until it opened.
    """

    usual: float
    spike_from: float
    window_min: int
    window_events: int


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Events in each stretch of `step_min` minutes since the incident opened.

    `begin` is before the opening. `end` is the end of the last stretch, which may not be over yet.
    """

    begin: datetime
    opened_at: datetime
    end: datetime
    step_min: int
    points: list[RatePoint]
    baseline: Baseline | None
    deploys: list[DeployMark]


async def read_rate(
    tx: Transaction, journal: Journal, incident: StoredIncident, now: datetime
) -> Rate | None:
    """Return the rate, or None if that time's events are gone. Raises `JournalUnavailable`."""
    opening = await journal.get(incident.opened_seq)
    if opening is None:
        return None
    opened_at = from_micros(opening.received)
    end = max(incident.ended_at or now, opened_at + timedelta(minutes=1))
    step_min = _step_min(opened_at, end)
    step = timedelta(minutes=step_min)
    begins = [opened_at + step * number for number in range(MAX_POINTS)]
    begins = list(takewhile(lambda begin: begin < end, begins))
    end = min(end, begins[-1] + step)
    bounds = await journal.seqs_before([to_micros(each) for each in [*begins[1:], end]])
    known = [incident.opened_seq - 1, *(seq for seq in bounds if seq is not None)]
    spans = list(pairwise(known))
    counts = await decisions.count_of_incident(
        tx,
        incident.summary.incident_id,
        [(after, min(last, after + LOOKED_AT_MOST)) for after, last in spans],
    )
    begin = opened_at - step * LEAD_POINTS
    summary = incident.summary
    return Rate(
        begin=begin,
        opened_at=opened_at,
        end=begins[-1] + step,
        step_min=step_min,
        points=[
            RatePoint(at, count, last - after > LOOKED_AT_MOST)
            for at, count, (after, last) in zip(begins, counts, spans, strict=True)
        ],
        baseline=_baseline(summary.trigger_numbers, step_min),
        deploys=await deploys.marks(
            tx,
            summary.service,
            summary.environment,
            since=begin,
            until=end,
            limit=_MAX_DEPLOYS,
        ),
    )


def _step_min(begin: datetime, end: datetime) -> int:
    minutes = (end - begin) / timedelta(minutes=1)
    for step in _STEPS_MIN:
        if minutes <= step * MAX_POINTS:
            return step
    return _STEPS_MIN[-1]


def _baseline(numbers: Numbers, step_min: int) -> Baseline | None:
    """Return None for other triggers, and for a spike of a whole service (not our events)."""
    match numbers:
        case {"different_errors": _}:
            return None
        case {
            "usual_per_min": float() | int() as usual,
            "threshold": float() | int() as threshold,
            "window_min": int() as window_min,
            "count": int() as count,
        } if window_min > 0:
            return Baseline(usual * step_min, threshold / window_min * step_min, window_min, count)
    return None
