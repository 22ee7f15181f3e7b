"""Tell when a deploy brings the fix of issues that were resolved in a release to come."""

from engine.memory import awaited_fixes
from engine.memory.deploys import id_of
from engine.memory.moments import moment
from engine.memory.records import AwaitedFix, Issue, Scope
from engine.memory.services import lacks_fix
from engine.memory.state import State
from engine.suspects.arrivals import began
from engine.suspects.releases import brings, is_same
from engine.versions import is_before
from shared.event import ChangeWindow
from shared.pipe import FixLive, Resolve


def await_fix(state: State, key: str, issue: Issue, entry: Resolve) -> None:
    """Let the issue, which `entry` has just resolved, wait for its fix, if that is to come.

    There is nothing to wait for if no release was named, if the release runs in the place of the
    issue already, or if nobody heard of the issue.
    """
    known = state.fixes.get(key)
    # An incident that went on without the issue let go of it.
    incident = issue.incident or (known.incident if known is not None else "")
    scope = issue.service, issue.environment
    to_come = entry.later or (entry.release is not None and not _runs(state, scope, entry.release))
    if not incident or not to_come:
        awaited_fixes.drop(state, key)
        return
    fix = AwaitedFix(
        *scope,
        incident=incident,
        release=issue.resolved_release,
        later=entry.later,
        resolved=issue.resolved,
        touched=state.clock.seq,
    )
    awaited_fixes.keep(state, key, fix)


def tell_fixes(state: State, scope: Scope, deploy: str) -> list[FixLive]:
    """Tell of the fixes that the deploy of this key brings, once for each incident.

    Only what runs now is live: not what is only pushed, nor what others have followed already.
    """
    if scope not in state.fixes_of or state.deploys_of.get(scope, [""])[-1] != deploy:
        return []
    window = state.deploys[deploy].window
    if window.pending:
        return []
    told: dict[str, FixLive] = {}
    for key, fix in awaited_fixes.awaited_in(state, scope):
        release = _brought(state, window, fix)
        if release is None:
            continue
        awaited_fixes.drop(state, key)
        if fix.incident in told:
            told[fix.incident].issues += 1
            continue
        told[fix.incident] = FixLive(
            incident_id=fix.incident,
            seq=state.clock.seq,
            release=release,
            deploy_id=id_of(scope, deploy),
            deploy_time=window.deploy_time,
            issues=1,
            time=moment(state.now),
        )
    return [*told.values()]


def _brought(state: State, window: ChangeWindow, fix: AwaitedFix) -> str | None:
    """Return the release of this deploy if it is known to have the fix, else None."""
    if not fix.later:
        has_it = fix.release is not None and _has(window, fix.release)
        return (window.release or fix.release) if has_it else None
    # What ran before is not the next release, even if it became known only now.
    if window.release is None or began(window).timestamp() <= fix.resolved:
        return None
    service = state.services.get((fix.service, fix.environment))
    if service is None or fix.release is None:
        return window.release
    lacks_it = lacks_fix(service, window.release, fix.release, fixed_later=True)
    return None if lacks_it else window.release


def _runs(state: State, scope: Scope, release: str) -> bool:
    """Return whether this release, or a newer one, is known to have run in this place."""
    windows = [state.deploys[key].window for key in state.deploys_of.get(scope, ())]
    if any(_has(window, release) for window in windows if not window.pending):
        return True
    service = state.services.get(scope)
    to_come = {window.release for window in windows if window.pending}
    seen = [] if service is None else [one for one in service.releases if one not in to_come]
    return any(is_same(one, release) or is_before(one, release) is False for one in seen)


def _has(window: ChangeWindow, release: str) -> bool:
    """Return whether a deploy brings this release, or one that is newer by its name."""
    if brings(window, release):
        return True
    return window.release is not None and is_before(window.release, release) is False
