"""Handle what people and sources say about issues (resolved, silenced), and the settings."""

from collections.abc import Callable

from engine.incidents import fix_live, life
from engine.memory import archived, awaited, awaited_fixes, issues
from engine.memory.records import Issue
from engine.memory.services import newest_release
from engine.memory.state import State
from shared.decisions import Code
from shared.event import canonical_environment
from shared.incident import Reason
from shared.pipe import Decision, Outbound, Resolve, Settings, Silence
from shared.reasons import End


def resolve(state: State, entry: Resolve) -> list[Outbound]:
    """Mark these issues as resolved: an event after `time` is a regression, if it has the fix."""
    time = min(entry.time.timestamp(), state.now)
    named = _named(state, entry)
    for key, issue in named:
        release = entry.release or (_newest_release(state, issue) if entry.later else issue.release)
        issues.resolve(issue, time, release, later=entry.later)
        fix_live.await_fix(state, key, issue, entry)
        state.changed.issue(key)
    tombstone = state.tombstones.get(entry.issue or "")
    if tombstone is not None:
        issues.resolve(tombstone, time, entry.release, later=entry.later)
        awaited_fixes.drop(state, entry.issue or "")
        state.changed.tombstone(entry.issue or "")
    reason = Reason(End.RESOLVED, {"by": entry.by})
    ended = _end_incidents(state, entry, named, reason, _is_resolved)
    for _, issue in named:
        # The incident may go on with other issues; if this one comes back, that is a regression.
        if issue.incident in state.incidents:
            issue.incident = ""
    waited = awaited.take(state, entry.issue_id) is not None
    archived.take(state, entry.issue_id)
    return [*ended, _decision(state, len(named) + (tombstone is not None) + waited)]


def silence(state: State, entry: Silence) -> list[Outbound]:
    """Silence these issues; an `until` in the past ends a silence.

    What the source has archived, or taken out of its archive, is no longer resolved there.
    """
    until = -1.0 if entry.until is None else entry.until.timestamp()
    if 0.0 <= until <= state.now:
        until = 0.0
    named = _named(state, entry)
    for key, issue in named:
        issue.silenced_until = until
        issue.silenced_by_source = entry.issue_id is not None
        if entry.issue_id is not None:
            issues.unresolve(issue)
            awaited_fixes.drop(state, key)
        state.changed.issue(key)
    tombstone = state.tombstones.get(entry.issue or "")
    if tombstone is not None:
        tombstone.silenced_until = until
        tombstone.silenced_by_source = entry.issue_id is not None
        state.changed.tombstone(entry.issue or "")
    ended: list[Outbound] = []
    if until:
        reason = Reason(End.SILENCED, {"by": entry.by})

        def is_over(issue: Issue) -> bool:
            return issues.is_silenced(issue, state.now) or _is_resolved(issue)

        ended = _end_incidents(state, entry, named, reason, is_over)
        awaited.take(state, entry.issue_id)
    kept = not named and _keep_archived(state, entry, until)
    return [*ended, _decision(state, len(named) + (tombstone is not None) + kept)]


def _keep_archived(state: State, entry: Silence, until: float) -> bool:
    """Remember what the source archived before an event of it came; return whether it was that."""
    if entry.issue_id is None:
        return False
    if not until:
        return archived.take(state, entry.issue_id) != 0.0
    archived.keep(state, entry.issue_id, until)
    return True


def change_settings(state: State, entry: Settings) -> list[Outbound]:
    """Apply these settings from the next entry on."""
    if entry.production_environments is not None:
        names = entry.production_environments
        state.settings.production_environments = tuple(map(canonical_environment, names))
    if entry.max_issues is not None:
        state.settings.max_issues = entry.max_issues
        issues.shrink(state)
    if entry.spike_false_alarms_per_week is not None:
        state.settings.spike_false_alarms_per_week = entry.spike_false_alarms_per_week
    state.changed.settings()
    return [Decision(state.clock.seq, Code.NOTED)]


def _named(state: State, entry: Resolve | Silence) -> list[tuple[str, Issue]]:
    """Return the issues that an entry names: by our key, by an incident, or by the source's id.

    To find the issues of an incident, this searches all issues, because an incident that has ended
    keeps no list. Somebody asked for it by hand, and a million issues take a tenth of a second.
    """
    if entry.issue is not None:
        issue = state.issues.get(entry.issue)
        return [] if issue is None else [(entry.issue, issue)]
    if entry.incident_id is not None:
        wanted = entry.incident_id
        return [(key, issue) for key, issue in state.issues.items() if issue.incident == wanted]
    keys = state.aliases.get(entry.issue_id or "", ())
    return [(key, state.issues[key]) for key in keys]


def _newest_release(state: State, issue: Issue) -> str | None:
    service = state.services.get((issue.service, issue.environment))
    return (newest_release(service) if service is not None else None) or issue.release


def _end_incidents(
    state: State,
    entry: Resolve | Silence,
    named: list[tuple[str, Issue]],
    reason: Reason,
    is_over: Callable[[Issue], bool],
) -> list[Outbound]:
    """End the incident that was named, and incidents that have no issue left."""
    ended: list[Outbound] = []
    for incident_id in sorted({issue.incident for _, issue in named} | {entry.incident_id or ""}):
        incident = state.incidents.get(incident_id)
        if incident is None:
            continue
        members = [state.issues[key] for key in incident.members if key in state.issues]
        if incident_id == entry.incident_id or all(map(is_over, members)):
            ended += life.end(state, incident, state.now, reason)
    return ended


def _is_resolved(issue: Issue) -> bool:
    return issue.resolved > 0.0


def _decision(state: State, named: int) -> Decision:
    if not named:
        return Decision(state.clock.seq, Code.NOTHING_NAMED)
    return Decision(state.clock.seq, Code.NOTED, None, {"issues": named})
