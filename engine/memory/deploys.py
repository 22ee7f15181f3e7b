"""Remember deploys, because a push today may explain tonight's error."""

import msgspec

from engine.memory.records import (
    MAX_DEPLOY_FILES,
    MAX_DEPLOY_ITEMS,
    MAX_DEPLOYS,
    Deploy,
    Scope,
    scope_key,
)
from engine.memory.services import remember_release
from engine.memory.state import State
from engine.suspects.windows import PreparedWindow, prepare
from shared.deploy import deploy_identity, renewed
from shared.event import ChangeWindow, Commit
from shared.pipe import ChangeWindowEntry


def deploy_key(scope: Scope, window: ChangeWindow) -> str:
    """Return the key of a deploy; a new announcement with the same key replaces the old one."""
    return f"{scope_key(scope)}/{deploy_identity(window)}"


def id_of(scope: Scope, key: str) -> str:
    """Return the id by which the server knows the deploy of this key, within its service."""
    return key.removeprefix(f"{scope_key(scope)}/")


def remember(state: State, scope: Scope, window: ChangeWindow) -> tuple[str, bool]:
    """Remember a deploy, with what was known of it; return its key, and whether it is news."""
    key = deploy_key(scope, window)
    known = state.deploys.get(key)
    if known is not None:
        is_newest = state.deploys_of[scope][-1] == key
        window = renewed(known.window, window, is_newest=is_newest)
    window = _fitting(window)
    if known is not None and known.window == window:
        return key, False
    deploy = Deploy(scope[0], scope[1], window, state.clock.seq)
    if known is not None:
        deploy.judged = known.judged
        if window.ran_since is None or window.deploy_time == known.window.deploy_time:
            deploy.incident = known.incident
        forget(state, key)
    keep(state, key, deploy)
    if window.release is not None:
        remember_release(state, scope, window.release)
    _make_room(state, scope)
    return key, True


def keep(state: State, key: str, deploy: Deploy) -> None:
    """Put a deploy into the memory."""
    state.deploys[key] = deploy
    of_service = state.deploys_of.setdefault((deploy.service, deploy.environment), [])
    of_service.append(key)
    of_service.sort(key=lambda one: (state.deploys[one].window.deploy_time, one))
    state.deploy_items += _items(deploy.window)
    state.changed.deploy(key)


def forget(state: State, key: str) -> None:
    """Remove a deploy from the memory."""
    deploy = state.deploys.pop(key)
    scope = deploy.service, deploy.environment
    state.deploys_of[scope].remove(key)
    if not state.deploys_of[scope]:
        del state.deploys_of[scope]
    state.deploy_items -= _items(deploy.window)
    state.prepared.pop(key, None)
    state.changed.deploy(key)


def prepared_windows(state: State, scope: Scope) -> list[PreparedWindow]:
    """Return the deploys of a service, ready to be ranked, oldest first."""
    found = []
    for key in state.deploys_of.get(scope, ()):
        ready = state.prepared.get(key)
        if ready is None:
            ready = state.prepared[key] = prepare(state.deploys[key].window)
        found.append(ready)
    return found


def window_of(entry: ChangeWindowEntry) -> ChangeWindow:
    """Return the deploy of an entry, without the journal's fields."""
    return ChangeWindow(
        deploy_time=entry.deploy_time,
        commits=entry.commits,
        deploy_id=entry.deploy_id,
        release=entry.release,
        cut=entry.cut,
        pending=entry.pending,
    )


def _items(window: ChangeWindow) -> int:
    return sum(1 + len(commit.files) + len(commit.functions) for commit in window.commits)


def _fitting(window: ChangeWindow) -> ChangeWindow:
    """Return the window within `MAX_DEPLOY_FILES`, each commit with its share of them."""
    files = sum(len(commit.files) for commit in window.commits)
    if files <= MAX_DEPLOY_FILES:
        return window
    share = MAX_DEPLOY_FILES // len(window.commits)
    commits: list[Commit] = [
        msgspec.structs.replace(commit, files=commit.files[:share]) for commit in window.commits
    ]
    cut = files - sum(len(commit.files) for commit in commits)
    return msgspec.structs.replace(window, commits=commits, cut=window.cut + cut)


def _make_room(state: State, scope: Scope) -> None:
    of_service = state.deploys_of[scope]
    while len(of_service) > MAX_DEPLOYS:
        forget(state, of_service[0])
    while state.deploy_items > MAX_DEPLOY_ITEMS and len(state.deploys) > 1:
        forget(state, next(iter(state.deploys)))
