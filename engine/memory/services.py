"""Remember services and their releases."""

from engine.memory.records import MAX_RELEASES, MAX_SERVICES, Scope, Service, scope_key
from engine.memory.state import State
from engine.statistics.baseline import new_baseline
from engine.versions import is_before


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


def newest_release(service: Service) -> str | None:
    """Return the release that is newer than all others that are known, or None without any."""
    newest: str | None = None
    for release in service.releases:
        if newest is None or not is_older(service, release, newest):
            newest = release
    return newest


def is_older(service: Service, release: str, other: str) -> bool:
    """Return whether `release` is known to be older than `other`.

    Compare them as versions if their names can be compared, else by the order in which they
    appeared.
    """
    before = is_before(release, other)
    if before is not None:
        return before
    if release not in service.releases or other not in service.releases:
        return False
    return service.releases.index(release) < service.releases.index(other)


def lacks_fix(service: Service, release: str, fixed_in: str, *, fixed_later: bool) -> bool:
    """Return whether `release` is known not to have the fix.

    The fix is in `fixed_in` or, with `fixed_later`, only in what is newer.
    """
    if is_older(service, release, fixed_in):
        return True
    if not fixed_later:
        return False
    orders = {is_before(release, fixed_in), is_before(fixed_in, release)}
    return release == fixed_in or orders == {False}
