"""Watch a deploy, from its announcement to its verdict."""

from datetime import datetime

from engine.incidents import life
from engine.memory.deploys import id_of
from engine.memory.occurrence import Occurrence
from engine.memory.recent import errors_before
from engine.memory.records import Scope, WatchedDeploy, scope_key
from engine.memory.services import service_of
from engine.memory.state import State
from engine.statistics.deploy_verdict import (
    VerdictReading,
    count_error,
    errors_after,
    judge,
    new_watch,
)
from engine.statistics.spike import usual_per_min
from shared.event import ChangeWindow, Event
from shared.incident import ErrorRate, Numbers, Reason, Said
from shared.pipe import DeployVerdict, Outbound
from shared.reasons import End, VerdictReason

LOOK_EVERY_S = 10.0
"""A fault may go unnoticed for this long, because judging at each event would cost too much."""

SURE = 0.5
"""The least confidence at which a commit is named with the verdict."""


def begin(state: State, scope: Scope, deploy: str, window: ChangeWindow) -> list[Outbound]:
    """Watch this deploy from now on; judge the one before it by what came until now.

    A repeated announcement of a deploy changes nothing, unless it gives another time at which the
    deploy was live. A deploy's files may be found when it is judged already, and judging it again
    would be by errors that are usual by then.
    """
    known = state.deploys.get(deploy)
    if known is not None and known.judged == window.deploy_time:
        return []
    key = scope_key(scope)
    out: list[Outbound] = []
    running = state.watched.get(key)
    if running is not None:
        if (running.deploy, running.deploy_time) == (deploy, window.deploy_time):
            return []
        if running.deploy != deploy:
            if window.deploy_time < running.deploy_time:
                reason = Reason(VerdictReason.LATER_DEPLOY)
                unseen = VerdictReading("too_little_data", [reason])
                return _say(state, scope, deploy, window.deploy_time, unseen, at=state.now)
            running.watch.due = min(running.watch.due, state.now)
            if (found := judge(running.watch, state.now)) is not None:
                out += _end(state, key, running, found, state.now)
    deployed = min(window.deploy_time.timestamp(), state.now)
    rare = service_of(state, scope, state.now).rare
    new_rate = usual_per_min(rare, state.now)
    watch = new_watch(deployed, state.now, new_rate, errors_before(state, scope, deployed))
    state.watched[key] = WatchedDeploy(scope[0], scope[1], deploy, window.deploy_time, watch)
    state.wake(watch.due, "watch", key)
    state.changed.watch(key)
    return out


def count(state: State, seen: Occurrence) -> None:
    """Count an event that came after a deploy of its service, while that deploy is watched.

    If this is the first event of an issue, the issue was never seen before.
    """
    key = scope_key(seen.scope)
    watched = state.watched.get(key)
    if watched is None or seen.at < watched.watch.start:
        return
    usual = None
    if seen.issue.count > 1 and seen.key not in watched.watch.issues:
        usual = usual_per_min(seen.issue.baseline, seen.at)
    count_error(watched.watch, seen.key, _label(seen.event), usual)
    if not watched.look_due:
        watched.look_due = state.now + LOOK_EVERY_S
        state.wake(watched.look_due, "watch", key)
    state.changed.watch(key)


def judge_if_due(state: State, key: str, at: float) -> list[Outbound]:
    """Return the verdict if it is certain or the time is over."""
    watched = state.watched.get(key)
    if watched is None or (at < watched.watch.due and not 0.0 < watched.look_due <= at):
        return []
    watched.look_due = 0.0
    state.changed.watch(key)
    found = judge(watched.watch, at)
    return [] if found is None else _end(state, key, watched, found, at)


def _end(
    state: State, key: str, watched: WatchedDeploy, found: VerdictReading, at: float
) -> list[Outbound]:
    del state.watched[key]
    state.changed.watch(key)
    scope = watched.service, watched.environment
    rates = watched.watch.before, errors_after(watched.watch, at)
    return _say(state, scope, watched.deploy, watched.deploy_time, found, at=at, rates=rates)


def _say(
    state: State,
    scope: Scope,
    deploy: str,
    deploy_time: datetime,
    found: VerdictReading,
    *,
    at: float,
    rates: tuple[ErrorRate | None, ErrorRate | None] = (None, None),
) -> list[Outbound]:
    """Return the verdict, and the end of the incident that announced the deploy."""
    deploy_id = id_of(scope, deploy)
    reasons: list[Said] = [*found.reasons, *_cause(state, deploy_id, found)]
    out: list[Outbound] = [
        DeployVerdict(*scope, deploy_time, found.verdict, reasons, deploy_id, *rates)
    ]
    known = state.deploys.get(deploy)
    if known is None:
        return out
    known.judged = deploy_time
    state.changed.deploy(deploy)
    if (incident := state.incidents.get(known.incident)) is not None:
        reason = Reason(End.DEPLOY_JUDGED, {"verdict": found.verdict})
        out += life.end(state, incident, at, reason)
    return out


def _cause(state: State, deploy_id: str, found: VerdictReading) -> list[Reason]:
    """Return the commit of this deploy that is the likely cause, if the ranking is sure of one."""
    issue = state.issues.get(found.blamed or "")
    incident = None if issue is None else state.incidents.get(issue.incident)
    if incident is None or not incident.suspects:
        return []
    first = incident.suspects[0]
    if first.deploy_id != deploy_id or first.confidence < SURE:
        return []
    numbers: Numbers = {
        "commit": first.commit_id,
        "confidence": first.confidence,
        "message": first.message,
    }
    return [Reason(VerdictReason.LIKELY_COMMIT, numbers)]


def _label(event: Event) -> str:
    """Return the issue as people know it: its type, and where in their code it is raised."""
    frames = event.stacktrace
    top = next((frame for frame in frames if frame.in_app), frames[0] if frames else None)
    file = None if top is None else top.file or top.module
    return f"{event.exception_type} in {file}" if file else event.exception_type
