"""What the routes decided about an incident, and whom that keeps from being told. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from server.notify.outlets import Target
from server.notify.summary.due import next_morning
from server.storage.main.not_told import NotTold
from server.storage.main.notification_routes import Timing
from server.storage.main.people import Person
from server.storage.main.waiting_incidents import Wait
from server.storage.times import to_micros
from server.wording.routes import say_timing
from shared.incident import IncidentSummary

AT_ONCE = Timing("at_once")


class Routed(msgspec.Struct, frozen=True, kw_only=True):
    """When whom is told of an incident; `people` and `targets` are None for the usual."""

    timing: Timing = AT_ONCE
    people: frozenset[int] | None = None
    targets: tuple[Target, ...] | None = None


AS_USUAL = Routed()


def holds(timing: Timing, incident: IncidentSummary) -> bool:
    """Return whether people are not told now. What is critical waits for nothing."""
    match timing.when:
        case "at_once":
            return False
        case "never":
            return True
        case "after_events" if timing.count is not None and incident.event_count >= timing.count:
            return False
    return incident.severity != "critical"


def wait_of(timing: Timing, now: datetime) -> Wait | None:
    """Return what people wait for to be told; None for nothing that will come."""
    match timing.when:
        case "after_events":
            return Wait(events=timing.count)
        case "after_users":
            return Wait(users=timing.count)
        case "daily":
            return Wait(until=to_micros(next_morning(now)))
    return None


def kept_by(timing: Timing) -> NotTold:
    """Return why nobody is told now."""
    if timing.when == "never":
        return NotTold(way="any", reason="route_never")
    return NotTold(way="any", reason="route_waits", detail=say_timing(timing))


def kept_from_routed(person: Person, routed: Routed) -> NotTold | None:
    """Return why this person is not told, if the routes name others."""
    if routed.people is None or person.id in routed.people:
        return None
    return NotTold(person_id=person.id, way="any", reason="route_names_others")


def ways_not_routed(usual: Sequence[Target], targets: Iterable[Target]) -> list[NotTold]:
    """Return which of the usual ways are not taken, because a route names others."""
    taken = {channel for channel, _ in targets}
    others = dict.fromkeys(channel for channel, _ in usual if channel not in taken)
    return [NotTold(way=each, reason="route_names_others") for each in others]
