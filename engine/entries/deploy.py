"""The news of a deploy: remembered, an incident where it is sent as an event, and ranked by."""

from engine.incidents import deploy_watch, life
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
"""A deploy's incident ends with its verdict, at the latest so long after it was told."""


def arrive(state: State, scope: Scope, window: ChangeWindow, out: list[Outbound]) -> str:
    """Remember a deploy, watch it, and rank open incidents by it; answers its key."""
    key, is_news = deploys.remember(state, scope, window)
    if is_news:
        out += life.rank_again(state, scope)
        out += deploy_watch.begin(state, scope, key, window)
    return key


def take_note(state: State, entry: ChangeWindowEntry, out: list[Outbound]) -> Decision:
    """A deploy as context: no incident, but open ones may have a suspect now."""
    scope = entry.service, canonical_environment(entry.environment)
    window = deploys.window_of(entry)
    arrive(state, scope, window, out)
    return Decision(state.clock.seq, Code.NOTED, None, {"commits": len(window.commits)})


def announce(state: State, event: EventEntry, out: list[Outbound]) -> Decision:
    """A deploy that people want to hear of: one incident for each deploy."""
    scope = event.service, canonical_environment(event.environment)
    key = f"deploy:{state.clock.seq}"
    if event.change_window is not None:
        key = arrive(state, scope, event.change_window, out)
        deploy = state.deploys.get(key)
        if deploy is not None and deploy.incident and not event.unique:
            return Decision(state.clock.seq, Code.DEPLOY_KNOWN, deploy.incident)
    incident_id = _open(state, scope, key, event, out)
    return Decision(state.clock.seq, Code.OPENED, incident_id, {"trigger": "deploy"})


def _open(state: State, scope: Scope, key: str, event: EventEntry, out: list[Outbound]) -> str:
    numbers = _size(event.change_window) if event.change_window is not None else {}
    at = event_time(event, state.now)
    fired = Fired("deploy", numbers)
    incident = life.begin(state, scope, key, event, at=at, fired=fired, hold_s=HOLD_S)
    incident.event_count = 1
    incident.alone = True
    if (deploy := state.deploys.get(key)) is not None:
        deploy.incident = incident.incident_id
        state.changed.deploy(key)
    out.append(life.tell(state, incident, "opened", state.now))
    out += life.make_room(state)
    return incident.incident_id


def _size(window: ChangeWindow) -> Numbers:
    """What people ask of a deploy: how much, by how many, how risky, and which it is."""
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
