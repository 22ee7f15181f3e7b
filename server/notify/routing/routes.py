"""Decide by the routes who is told of an incident, and when. Pure."""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from server.notify.outlets import Outlets, Target
from server.notify.recipients import passes
from server.notify.routing.owned_paths import owns
from server.notify.routing.routed import AT_ONCE, Routed
from server.notify.wildcards import matches
from server.storage.main.notification_routes import RouteTarget, RouteValues
from shared.incident import IncidentSummary

R = TypeVar("R", bound=RouteValues)
T = TypeVar("T")


def applies(route: RouteValues, incident: IncidentSummary) -> bool:
    """Return whether this route is for this incident."""
    return (
        matches(route.service or "*", incident.service)
        and matches(route.environment or "*", incident.environment)
        and (route.severity is None or passes(incident, route.severity))
        and route.trigger in (None, incident.trigger)
        and (not route.path or owns(route.path, incident.stacktrace))
    )


def applying(routes: Iterable[R], incident: IncidentSummary) -> list[R]:
    """Return the routes for this incident, in order."""
    return [each for each in routes if applies(each, incident)]


def decide(
    incident: IncidentSummary,
    routes: Sequence[RouteValues],
    *,
    usual_slack: str,
    people: Collection[int],
    outlets: Outlets,
) -> Routed:
    """Return who is told and when: for each, the first route that applies and says it decides.

    `usual_slack` is where Slack's messages about it go. `people` are the ids of everyone. A route
    of whose people or targets none is left says nothing about them: else nobody would hear.
    """
    matching = applying(routes, incident)
    return Routed(
        timing=_first(each.timing for each in matching) or AT_ONCE,
        people=_first(_people_left(each.people, people) for each in matching),
        targets=_first(_targets_left(each.targets, usual_slack, outlets) for each in matching),
    )


def _first(answers: Iterable[T | None]) -> T | None:
    return next((each for each in answers if each is not None), None)


def _people_left(named: Sequence[int] | None, people: Collection[int]) -> frozenset[int] | None:
    if named is None:
        return None
    left = frozenset(named).intersection(people)
    return left if left or not named else None


def _targets_left(
    named: Sequence[RouteTarget] | None, usual_slack: str, outlets: Outlets
) -> tuple[Target, ...] | None:
    if named is None:
        return None
    left = tuple(dict.fromkeys(_known(named, usual_slack, outlets)))
    return left if left or not named else None


def _known(named: Iterable[RouteTarget], usual_slack: str, outlets: Outlets) -> Iterable[Target]:
    """Return those of the targets that are set up.

    Slack's incoming webhook has one channel only, whichever a route names.
    """
    for each in named:
        if each.channel != "slack":
            if (each.channel, each.receiver) in outlets.targets:
                yield each.channel, each.receiver
        elif outlets.slack == "webhook" or (outlets.slack and not each.receiver):
            yield "slack", usual_slack
        elif outlets.slack:
            yield "slack", each.receiver
