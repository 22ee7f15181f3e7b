"""What each detector says of a series of counts: the engine, its baseline alone, the ratio rule."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import accumulate
from typing import Literal

import msgspec

from engine.statistics.alarm_budget import alarm_nats
from engine.statistics.baseline import new_baseline
from engine.statistics.spike import observe
from scripts.commands.benchmarks.engine_process import EngineProcess

WEEK_S = 7 * 86_400.0

RATIO = 3.0
RATIO_MEMORY = 0.3
"""The original rule's threshold and weight, as in bench/spikes/README.md."""


Change = Literal["opened", "escalated"]
_CHANGES: dict[Literal["spike", "escalated"], Change] = {
    "spike": "opened",
    "escalated": "escalated",
}


class Series(msgspec.Struct, frozen=True):
    """Counts of one error in slots of `slot_s` seconds, starting at `begins_s` (epoch)."""

    name: str
    begins_s: float
    slot_s: float
    counts: list[int]


class Alarm(msgspec.Struct, frozen=True):
    """People are told at the `nth` event (from 1) of a slot (from 0)."""

    slot: int
    nth: int
    change: Change


Detector = Callable[[Series], list[Alarm]]


def times_s(series: Series) -> Iterator[float]:
    """Yield the time of each event; the events of a slot are spread evenly in it."""
    for slot, count in enumerate(series.counts):
        begins = series.begins_s + slot * series.slot_s
        for number in range(count):
            yield begins + (number + 0.5) / count * series.slot_s


class EngineDetector:
    """The engine itself with its production parameters: event lines in, incident lines out.

    The environment is not a production one, where an error's first event would open a new_issue
    incident that absorbs a first spike. Each series is a service of its own, so that nothing in it
    can join another's incident. The series follow each other on one clock (moved by whole weeks, to
    keep the rhythms).
    """

    def __init__(self, engine: EngineProcess) -> None:
        self.events = 0
        self.others = 0
        """Incidents with another trigger than spike."""
        self._engine = engine
        self._series = 0
        self._free_s = 0.0

    def __call__(self, series: Series) -> list[Alarm]:
        """Return the alarms of one series: spike incidents that open or escalate."""
        weeks = max(0, math.ceil((self._free_s - series.begins_s) / WEEK_S))
        moved = msgspec.structs.replace(series, begins_s=series.begins_s + weeks * WEEK_S)
        self._series += 1
        said = self._engine.feed(_lines(moved, str(self._series)))
        self._free_s = moved.begins_s + (len(series.counts) + 1) * series.slot_s + 2 * WEEK_S
        before = self.events
        up_to = list(accumulate(series.counts))
        self.events += up_to[-1] if up_to else 0
        alarms: list[Alarm] = []
        for incident in said:
            if incident.change not in ("opened", "escalated"):
                continue
            if incident.trigger != "spike":
                self.others += incident.change == "opened"
                continue
            alarms.append(_alarm(up_to, incident.seq - before, incident.change))
        return alarms


def baseline_alone(series: Series, issues: int = 1) -> list[Alarm]:
    """Return the alarms of the baseline without the engine around it: fast, and nothing is held.

    It is one of so many issues among which the budget of false alarms is shared.
    """
    nats = alarm_nats(issues + 1)
    baseline = new_baseline(next(times_s(series), series.begins_s))
    up_to = list(accumulate(series.counts))
    alarms: list[Alarm] = []
    for number, at_s in enumerate(times_s(series), start=1):
        alarm = observe(baseline, at_s, nats=nats)
        if alarm is not None and alarm.kind != "as_usual":
            alarms.append(_alarm(up_to, number, _CHANGES[alarm.kind]))
    return alarms


def ratio_rule(series: Series) -> list[Alarm]:
    """Return the alarms of the original product's rule: a slot has at least three times an average.

    The average is a running exponential one (alpha 0.3) over the mean of all slots so far that had
    events, and 1 before there was any. The rule alarms once in a slot.
    """
    average, total, slots = 0.0, 0, 0
    alarms: list[Alarm] = []
    for slot, count in enumerate(series.counts):
        if not count:
            continue
        if slots:
            average += RATIO_MEMORY * (total / slots - average)
        # Round first: three times an average that is 1 except for the last bit is 3, not 4.
        needed = max(1, math.ceil(round(RATIO * (average or 1.0), 9)))
        if count >= needed:
            alarms.append(Alarm(slot, needed, "opened"))
        total += count
        slots += 1
    return alarms


def with_cool_down(detector: Detector, slots: int) -> Detector:
    """Return the same detector, silent for this many slots after an alarm."""

    def cooled(series: Series) -> list[Alarm]:
        kept: list[Alarm] = []
        for alarm in detector(series):
            if not kept or alarm.slot - kept[-1].slot >= slots:
                kept.append(alarm)
        return kept

    return cooled


def _alarm(up_to: list[int], number: int, change: Change) -> Alarm:
    """Return the alarm at event `number` (from 1) of a series.

    `up_to` is the number of events to the end of each slot.
    """
    slot = bisect_left(up_to, number)
    return Alarm(slot, number - (up_to[slot - 1] if slot else 0), change)


def _lines(series: Series, service: str) -> Iterator[bytes]:
    head = (
        f'{{"source":"benchmark","service":"{service}","environment":"staging","severity":"error",'
        '"exception_type":"Simulated","message":"one more","fingerprint":"the only one",'
        '"timestamp":"'
    )
    for at_s in times_s(series):
        yield f'{head}{datetime.fromtimestamp(at_s, UTC).isoformat()}"}}\n'.encode()
