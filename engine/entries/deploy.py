"""Handle deploys: remember them, rank by them, and open an incident if one is sent as an event."""

from engine.incidents import deploy_watch, fix_live, life
from engine.incidents.triggers import Fired
from engine.memory import deploys
from engine.memory.moments import event_time
from engine.memory.records import Scope
from engine.memory.state import State
from engine.numbers import rounded
from shared.decisions import Code
from shared.deploy import deploy_identity
from shared.event import ChangeWindow, canonical_environment
from shared.incident import Numbers
from shared.pipe import ChangeWindowEntry, Decision, EventEntry, Outbound

HOLD_S = 2_400.0
"""A deploy's incident ends with the verdict, or this long after it was announced at the latest."""


def remember(state: State, entry: ChangeWindowEntry) -> list[Outbound]:
    """Remember a deploy as context. It opens no incident, but open ones may now have a suspect."""
    scope = entry.service, canonical_environment(entry.environment)
    window = deploys.window_of(entry)
    _, told = arrive(state, scope, window)
    commits: Numbers = {"commits": len(window.commits)}
    return [*told, Decision(state.clock.seq, Code.NOTED, None, commits)]


def announce(state: State, event: EventEntry) -> list[Outbound]:
    """Open one incident for a deploy that people want to be told about."""
    scope = event.service, canonical_environment(event.environment)
    key, told = f"deploy:{state.clock.seq}", list[Outbound]()
    if event.change_window is not None:
        key, told = arrive(state, scope, event.change_window)
        deploy = state.deploys.get(key)
        if deploy is not None and deploy.incident and not event.unique:
            return [*told, Decision(state.clock.seq, Code.DEPLOY_KNOWN, deploy.incident)]
    return [*told, *_open(state, scope, key, event)]


def arrive(state: State, scope: Scope, window: ChangeWindow) -> tuple[str, list[Outbound]]:
    """Remember a deploy, watch it, rank open incidents by it, and tell what it fixes.

    Return its key and the lines.
    """
    key, is_news = deploys.remember(state, scope, window)
    if not is_news:
        return key, []
    told = life.rank_again(state, scope)
    told += deploy_watch.begin(state, scope, key, window)
    return key, [*told, *fix_live.tell_fixes(state, scope, key)]


def _open(state: State, scope: Scope, key: str, event: EventEntry) -> list[Outbound]:
    numbers = _size(event.change_window) if event.change_window is not None else {}
    at = event_time(event, state.now)
    fired = Fired("deploy", numbers)
    incident = life.begin(state, scope, key, event, at=at, fired=fired, hold_s=HOLD_S)
    incident.event_count = 1
    incident.alone = True
    if (deploy := state.deploys.get(key)) is not None:
        deploy.incident = incident.incident_id
        state.changed.deploy(key)
    return [
        life.tell(state, incident, "opened", state.now),
        *life.make_room(state),
        Decision(state.clock.seq, Code.OPENED, incident.incident_id, {"trigger": "deploy"}),
    ]


def _size(window: ChangeWindow) -> Numbers:
    """Return the numbers that describe a deploy: how big, by how many, how risky, which one."""
    commits = window.commits
    files = {path for commit in commits for path in commit.files}
    numbers: Numbers = {
        "commits": len(commits),
        "authors": len({commit.author for commit in commits if commit.author}),
        "files": len(files),
        "added": sum(commit.added or 0 for commit in commits),
        "deleted": sum(commit.deleted or 0 for commit in commits),
        "deploy": deploy_identity(window),
    }
    risks = [commit.risk_score for commit in commits if commit.risk_score is not None]
    if risks:
        numbers["highest_risk"] = rounded(max(risks))
    return numbers
