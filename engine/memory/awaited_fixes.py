"""Remember which resolved issues wait for a deploy of their fix, to be found by their service.

Events pass them by: an issue comes here when it is resolved in a release, and a deploy looks only
at those of its own place.
"""

from engine.memory.records import MAX_AWAITED_FIXES, AwaitedFix, Scope
from engine.memory.state import State


def keep(state: State, key: str, fix: AwaitedFix) -> None:
    """Let the issue wait for this fix, and for no other; the longest wait makes room."""
    drop(state, key)
    state.fixes[key] = fix
    state.fixes_of.setdefault((fix.service, fix.environment), set()).add(key)
    state.changed.fix(key)
    if len(state.fixes) > MAX_AWAITED_FIXES:
        drop(state, min(state.fixes, key=lambda each: (state.fixes[each].touched, each)))


def drop(state: State, key: str) -> None:
    """Let the issue wait no longer, if it does."""
    fix = state.fixes.pop(key, None)
    if fix is None:
        return
    scope = fix.service, fix.environment
    state.fixes_of[scope].remove(key)
    if not state.fixes_of[scope]:
        del state.fixes_of[scope]
    state.changed.fix(key)


def move(state: State, old: str, new: str, scope: Scope) -> None:
    """Let the issue wait on, which has another key now, and may be known to be elsewhere."""
    fix = state.fixes.get(old)
    if fix is None:
        return
    drop(state, old)
    fix.service, fix.environment = scope
    keep(state, new, fix)


def awaited_in(state: State, scope: Scope) -> list[tuple[str, AwaitedFix]]:
    """Return the fixes for which issues of this place wait, by key, those who wait longest first.

    The order is the same after a restart.
    """
    found = [(key, state.fixes[key]) for key in state.fixes_of.get(scope, ())]
    return sorted(found, key=lambda each: (each[1].touched, each[0]))
