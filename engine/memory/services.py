"""Remember services and their releases."""

import re

from engine.memory.records import MAX_RELEASES, MAX_SERVICES, Scope, Service
from engine.memory.state import State
from engine.statistics.spike import new_baseline

_VERSION = re.compile(r"(?P<name>(?:.*@)?v?)(?P<numbers>\d{1,9}(?:\.\d{1,9}){1,4})")


def scope_key(scope: Scope) -> str:
    """Return the key of a service's records; no two services share one."""
    service, environment = scope
    return f"{len(environment)}:{environment}:{service}"


def service_of(state: State, scope: Scope, at: float) -> Service:
    """Return the service and remember it; beyond `MAX_SERVICES`, drop the one touched longest."""
    service = state.services.get(scope)
    if service is None:
        service = Service(scope[0], scope[1], state.clock.seq, new_baseline(at))
        state.services[scope] = service
        state.changed.service(scope_key(scope))
        if len(state.services) > MAX_SERVICES:
            gone, _ = state.services.popitem(last=False)
            state.changed.service(scope_key(gone))
            if state.recent.pop(scope_key(gone), None) is not None:
                state.changed.recent(scope_key(gone))
    return service


def remember_release(state: State, scope: Scope, release: str) -> str:
    """Note a running release of the service; return its name, one object for all who keep it."""
    service = service_of(state, scope, state.now)
    if release in service.releases:
        return service.releases[service.releases.index(release)]
    service.releases.append(release)
    del service.releases[:-MAX_RELEASES]
    service.touched = state.clock.seq
    state.services.move_to_end(scope)
    state.changed.service(scope_key(scope))
    return release


def is_older(service: Service, release: str, other: str) -> bool:
    """Return whether `release` is known to be older than `other`.

    Compare by version numbers if both have one of the same form (`shop@1.9.2`, `shop@1.10.0`), else
    by the order in which they appeared.
    """
    one, two = _VERSION.fullmatch(release), _VERSION.fullmatch(other)
    if one and two and one["name"] == two["name"]:
        return _numbers(one["numbers"]) < _numbers(two["numbers"])
    if release not in service.releases or other not in service.releases:
        return False
    return service.releases.index(release) < service.releases.index(other)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]
