"""Routes in words: which incidents they are for, and what they decide. Pure."""

from collections.abc import Mapping

from server.storage.main.notification_routes import RouteTarget, RouteValues, Timing, When
from shared.event import Severity
from shared.incident import Trigger

_TRIGGERS: dict[Trigger, str] = {
    "new_issue": "New issues",
    "spike": "Spikes",
    "regression": "Regressions",
    "deploy": "Deploys",
    "alert": "Alerts",
}
_FROM: dict[Severity, str] = {
    "warning": "of any severity",
    "error": "of severity error or critical",
    "critical": "of severity critical",
}
_SOME = "a number of"
_WHENS: dict[When, str] = {
    "at_once": "at once",
    "after_events": f"after {_SOME} events",
    "after_users": f"after {_SOME} users",
    "daily": "in the morning",
    "never": "never",
}
_WAYS = {"slack": "Slack", "webhook": "webhook", "apprise": "Apprise"}


def say_conditions(route: RouteValues) -> str:
    """Return which incidents a route is for."""
    parts = [_TRIGGERS[route.trigger] if route.trigger else "All incidents"]
    if route.service:
        parts.append(f"of {route.service}")
    if route.environment:
        parts.append(f"in {route.environment}")
    if route.severity:
        parts.append(_FROM[route.severity])
    if route.path:
        parts.append(f"with {route.path} in the stack trace")
    return " ".join(parts)


def say_timing(timing: Timing) -> str:
    """Return when people are told."""
    return say_when(timing.when).replace(_SOME, str(timing.count))


def say_when(when: When) -> str:
    """Return when people are told, whatever the number."""
    return _WHENS[when]


def say_decisions(route: RouteValues, names: Mapping[int, str]) -> list[str]:
    """Return what a route decides, in up to three parts; `names` are those of people, by id."""
    parts = []
    if route.timing is not None:
        parts.append(f"When: {say_timing(route.timing)}")
    if route.people is not None:
        known = [names[each] for each in route.people if each in names]
        parts.append(f"Who: {', '.join(known) or 'nobody'}")
    if route.targets is not None:
        parts.append(f"Where: {', '.join(map(say_target, route.targets)) or 'nowhere'}")
    return parts


def say_target(target: RouteTarget) -> str:
    """Return a way and a receiver, as people know them."""
    way = _WAYS[target.channel]
    if not target.receiver:
        return f"the usual channel of {way}"
    return f"{way} {target.receiver}"
