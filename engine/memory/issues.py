"""Find an event's issue (known, forgotten, named by the source, or new), and forget issues."""

from collections.abc import Mapping
from itertools import islice
from sys import intern
from typing import Literal

from engine.fingerprint import RULES_VERSION
from engine.memory import archived, awaited_fixes
from engine.memory.awaited import WAIT_S
from engine.memory.records import TOMBSTONES_PER_ISSUE, Issue, Scope, Tombstone
from engine.memory.state import State
from engine.statistics.baseline import new_baseline
from engine.statistics.silence import new_habit
from shared.event import UNKNOWN_ENVIRONMENT
from shared.pipe import EventEntry

Standing = Literal["known", "back", "new"]
"""Known with its statistics; known, but without statistics; never seen."""


def recognise(
    state: State, key: str, scope: Scope, event: EventEntry, at: float
) -> tuple[str, Issue, Standing]:
    """Return the issue of an event and its key, which is `key` unless the source knows better."""
    issue = state.issues.get(key)
    if issue is not None:
        return key, issue, "known"
    if event.issue_id is not None and not event.unique:
        other = _named_by_source(state, event, scope)
        if other is not None:
            if not event.occurrence:
                return other, state.issues[other], "known"
            _rename(state, other, key)
            issue = state.issues[key]
            issue.environment = scope[1]
            awaited_fixes.move(state, other, key, scope)
            return key, issue, "known"
    if state.older_rules and (older := _of_older_rules(state, scope, event)) is not None:
        _rename(state, older, key)
        awaited_fixes.move(state, older, key, scope)
        return key, state.issues[key], "known"
    issue, standing = _learn(state, key, scope, event, at)
    return key, issue, standing


def scope_by_source(state: State, event: EventEntry) -> Scope | None:
    """Return where the issue is that the source calls by the event's `issue_id`, if one is known.

    Of several places, it is where the issue was seen just now, since it was resolved: the source
    sends news and event together. Otherwise, a production environment comes first, then where it
    was seen last.
    """
    key = _named_by_source(state, event, (event.service, event.environment))
    return None if key is None else (state.issues[key].service, state.issues[key].environment)


def is_of_several_places(state: State, event: EventEntry) -> bool:
    """Return whether the issue that the source calls so is in several environments.

    That is, its events have come from several, and from none of them just now.
    """
    scope = event.service, event.environment
    known = [state.issues[key] for key in _may_be_named(state, event, scope)]
    places = {issue.environment for issue in known if issue.count}
    return len(places) > 1 and not any(_is_just_seen(state, issue) for issue in known)


def touch(state: State, key: str, issue: Issue, seq: int) -> None:
    """Note that the entry at `seq` is about this issue."""
    issue.touched = seq
    issue.rules = RULES_VERSION
    state.issues[key] = state.issues.pop(key)
    state.changed.issue(key)


def name_by_source(state: State, key: str, issue: Issue, issue_id: str) -> None:
    """Record that the source calls this issue `issue_id` from now on."""
    if issue.issue_id == issue_id:
        return
    forget_alias(state, key, issue)
    issue.issue_id = issue_id
    add_alias(state, key, issue_id)


def add_alias(state: State, key: str, issue_id: str) -> None:
    """Make `key` findable by the source's name for it."""
    state.aliases[issue_id] = (*state.aliases.get(issue_id, ()), key)


def aliases_of(known: Mapping[str, Issue]) -> dict[str, tuple[str, ...]]:
    """Return what `add_alias` would have made of all these issues, one after the other.

    One by one, many issues of one name would each copy those before.
    """
    named: dict[str, list[str]] = {}
    for key, issue in known.items():
        if issue.issue_id is not None:
            named.setdefault(issue.issue_id, []).append(key)
    return {issue_id: tuple(keys) for issue_id, keys in named.items()}


def forget_alias(state: State, key: str, issue: Issue) -> None:
    """Forget the source's name, because the issue goes or gets another name there."""
    if issue.issue_id is None:
        return
    keys = tuple(other for other in state.aliases[issue.issue_id] if other != key)
    if keys:
        state.aliases[issue.issue_id] = keys
    else:
        del state.aliases[issue.issue_id]


def is_silenced(issue: Issue, now: float) -> bool:
    """Return whether the issue is silenced at `now`, by the engine's clock."""
    return issue.silenced_until < 0.0 or issue.silenced_until > now


def resolve(issue: Issue | Tombstone, at: float, release: str | None, *, later: bool) -> None:
    """Note that the issue was resolved at `at`, in a release or only later (`Resolve`)."""
    issue.resolved = at
    issue.resolved_release = release
    issue.fixed_later = later


def unresolve(issue: Issue | Tombstone) -> None:
    """Note that the issue is not resolved, or not any more."""
    resolve(issue, 0.0, None, later=False)


def shrink(state: State) -> None:
    """Turn the least recently touched issues beyond the limit into tombstones; drop old ones."""
    limit = state.settings.max_issues
    excess = 0
    if len(state.issues) > limit:
        # Remove several at once: finding the first item of a dict costs as much as was removed from
        # it.
        excess = len(state.issues) - limit + limit // 256
    for key in list(islice(state.issues, excess)):
        issue = state.issues.pop(key)
        forget_alias(state, key, issue)
        state.tombstones[key] = Tombstone(
            issue.touched,
            issue.last_seen,
            issue.resolved,
            issue.silenced_until,
            issue.silenced_by_source,
            issue.resolved_release,
            issue.fixed_later,
        )
        state.changed.issue(key)
        state.changed.tombstone(key)
    while len(state.tombstones) > TOMBSTONES_PER_ISSUE * limit:
        key, _ = state.tombstones.popitem(last=False)
        state.changed.tombstone(key)


def _named_by_source(state: State, event: EventEntry, scope: Scope) -> str | None:
    """Return the issue that the source calls by this name, if the event may belong to it.

    An event about an issue as a whole has no trace, so it has a key of its own; it belongs to the
    issue known by that name. The reverse holds too: an issue that came first without a trace and
    was no occurrence gets its key, and its environment if nobody named it, from the first event
    that has one.
    """
    is_production = state.settings.is_production
    return max(
        _may_be_named(state, event, scope),
        key=lambda key: (
            not event.occurrence and _is_just_seen(state, state.issues[key]),
            is_production(state.issues[key].environment),
            state.issues[key].touched,
        ),
        default=None,
    )


def _may_be_named(state: State, event: EventEntry, scope: Scope) -> list[str]:
    """Return the issues that the source calls by the event's `issue_id` and it may belong to."""
    keys = state.aliases.get(event.issue_id or "", ())
    return [key for key in keys if _may_be_of(state.issues[key], event, scope)]


def _is_just_seen(state: State, issue: Issue) -> bool:
    return issue.last_seen > max(issue.resolved, state.now - WAIT_S)


def _may_be_of(issue: Issue, event: EventEntry, scope: Scope) -> bool:
    if not event.occurrence:
        return issue.service == scope[0]
    unkeyed = issue.count == 0 or issue.rules != RULES_VERSION
    return (
        unkeyed
        and issue.service == scope[0]
        and issue.environment in (scope[1], UNKNOWN_ENVIRONMENT)
    )


def _of_older_rules(state: State, scope: Scope, event: EventEntry) -> str | None:
    """Return an issue keyed by older rules that this event may be; each is taken over once."""
    if state.now >= state.clock.relearning_until:
        state.older_rules.clear()
        return None
    same_kind = state.older_rules.get((*scope, event.exception_type), [])
    same_kind[:] = [key for key in same_kind if _is_of_older_rules(state.issues.get(key))]
    return max(same_kind, key=lambda key: state.issues[key].touched, default=None)


def _is_of_older_rules(issue: Issue | None) -> bool:
    return issue is not None and issue.rules != RULES_VERSION


def _rename(state: State, old: str, new: str) -> None:
    issue = state.issues.pop(old)
    state.issues[new] = issue
    tombstone = state.tombstones.pop(new, None)
    if tombstone is not None:
        if tombstone.resolved > issue.resolved:
            _take_resolve(issue, tombstone)
        if issue.silenced_until == 0.0:
            _take_silence(issue, tombstone)
        state.changed.tombstone(new)
    if issue.issue_id is not None:
        keys = state.aliases[issue.issue_id]
        state.aliases[issue.issue_id] = tuple(new if key == old else key for key in keys)
    incident = state.incidents.get(issue.incident)
    if incident is not None and old in incident.members:
        incident.members[incident.members.index(old)] = new
        incident.symptoms = {
            new if key == old else key: symptom for key, symptom in incident.symptoms.items()
        }
        state.changed.incident(incident.incident_id)
    state.changed.issue(old)


def _learn(
    state: State, key: str, scope: Scope, event: EventEntry, at: float
) -> tuple[Issue, Standing]:
    tombstone = state.tombstones.pop(key, None)
    issue = Issue(
        service=scope[0],
        environment=scope[1],
        exception_type=intern(event.exception_type),
        rules=RULES_VERSION,
        touched=state.clock.seq,
        first_seen=at,
        last_seen=at,
        baseline=new_baseline(at),
        habit=new_habit(at),
    )
    state.issues[key] = issue
    if tombstone is not None:
        issue.last_seen = tombstone.last_seen
        _take_resolve(issue, tombstone)
        _take_silence(issue, tombstone)
        state.changed.tombstone(key)
    if event.issue_id is not None and not event.unique:
        until = _archived_until(state, event.issue_id)
        if until:
            issue.silenced_until, issue.silenced_by_source = until, True
    if len(state.issues) > state.settings.max_issues:
        shrink(state)
    return issue, "new" if tombstone is None else "back"


def _archived_until(state: State, issue_id: str) -> float:
    """Return until when the source has archived what it calls so, wherever it happens; or 0.0."""
    for key in state.aliases.get(issue_id, ()):
        elsewhere = state.issues[key]
        if elsewhere.silenced_by_source and is_silenced(elsewhere, state.now):
            return elsewhere.silenced_until
    return archived.take(state, issue_id)


def _take_resolve(issue: Issue, tombstone: Tombstone) -> None:
    resolve(issue, tombstone.resolved, tombstone.resolved_release, later=tombstone.fixed_later)


def _take_silence(issue: Issue, tombstone: Tombstone) -> None:
    issue.silenced_until = tombstone.silenced_until
    issue.silenced_by_source = tombstone.silenced_by_source
