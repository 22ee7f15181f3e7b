"""One event with all that is known about it at the moment of the decision."""

import msgspec

from engine.memory.issues import Standing
from engine.memory.records import Issue, Scope, Service
from engine.statistics.silence import SilenceReading
from engine.statistics.spike import Alarm
from shared.pipe import EventEntry


class Occurrence(msgspec.Struct, frozen=True, gc=False):
    """An event with its issue, its service and what their statistics say.

    `at` is the event's time within bounds, `now` the journal's clock. If the event is late or was
    counted before, there is no alarm and no silence.
    """

    event: EventEntry
    scope: Scope
    key: str
    issue: Issue
    service: Service
    standing: Standing
    at: float
    now: float
    late: bool
    counted: bool
    rare: bool
    new_minute: bool
    in_production: bool
    alarm: Alarm | None
    wide_alarm: Alarm | None
    silence: SilenceReading | None
