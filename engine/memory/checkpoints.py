"""States and checkpoints: save what must come back after a restart, and restore it.

A key is the kind and the record's own key: `issue:3f…`, `incident:inc-…`, `clock:`.
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable
from sys import intern
from typing import TypeVar

import msgspec

from engine.fingerprint import RULES_VERSION
from engine.memory import awaited_fixes, deploys, issues
from engine.memory.changes import Kind
from engine.memory.records import (
    ArchivedIssue,
    AwaitedFix,
    AwaitedNews,
    Clock,
    Deploy,
    EngineSettings,
    Issue,
    OpenIncident,
    RecentErrors,
    Service,
    Tombstone,
    WatchedDeploy,
)
from engine.memory.seen import CHUNKS, SeenChunk
from engine.memory.state import State
from engine.statistics.earlier_baselines import take_over
from shared.pipe import Checkpoint, Outbound
from shared.pipe import State as StateLine

RELEARNING_S = 14 * 86_400.0
"""How long issues of older fingerprint rules may come back under another key."""

_NOTHING = msgspec.Raw(b"null")
_encoder = msgspec.json.Encoder()

K = TypeVar("K")
Touched = TypeVar("Touched", ArchivedIssue, Tombstone, Service, Deploy)


class UnreadableState(ValueError):
    """This engine cannot restore a state."""


def checkpoint(state: State) -> list[Outbound]:
    """Return all that has changed since the last checkpoint, and the line that ends it."""
    state.changed.clock()
    lines: list[Outbound] = [
        StateLine(f"{kind}:{key}", _value(state, kind, key)) for kind, key in state.changed
    ]
    for number in sorted(state.seen.changed):
        chunk = _encoder.encode(state.seen.chunk(number))
        lines.append(StateLine(f"seen:{number % CHUNKS}", msgspec.Raw(chunk)))
    state.seen.changed.clear()
    lines.append(Checkpoint(state.clock.seq))
    state.changed.clear()
    state.undecided = 0
    state.checkpointed = state.now
    return lines


def restore(state: State, key: str, value: msgspec.Raw) -> None:
    """Restore one state; they may come in any order. Raises `UnreadableState`."""
    kind, _, name = key.partition(":")
    take = _TAKE_BACK.get(kind)
    if take is None:
        raise UnreadableState(f"no state is called {kind!r}")
    try:
        take(state, name, value)
    except (msgspec.DecodeError, ValueError) as error:
        raise UnreadableState(f"state {key!r}: {error}") from error


ISSUE_LINE = b'{"type":"state","key":"issue:'
"""How the server writes the state of an issue; nearly all states are such."""


def restore_issue(state: State, line: bytes) -> bool:
    """Restore an issue from its line in one step; return False if it cannot be read so."""
    try:
        read = _issue_line.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    _keep_issue(state, read.key.removeprefix("issue:"), read.value)
    return True


def complete(state: State, seq: int) -> None:
    """Finish the restore: sort and index what depends on more than one state."""
    state.clock.seq = max(state.clock.seq, seq)
    state.checkpointed = state.now
    state.issues = dict(sorted(state.issues.items(), key=lambda item: item[1].touched))
    state.tombstones = _by_touch(state.tombstones)
    state.archived = _by_touch(state.archived)
    state.services = _by_touch(state.services)
    state.deploys = _by_touch(state.deploys)
    state.aliases = issues.aliases_of(state.issues)
    state.incidents = dict(sorted(state.incidents.items(), key=lambda item: (item[1].seq, item[0])))
    for incident_id, incident in state.incidents.items():
        scope = incident.service, incident.environment
        state.incidents_of.setdefault(scope, []).append(incident_id)
        state.deadlines.append((incident.due, "incident", incident_id))
        if incident.tell_due:
            state.deadlines.append((incident.tell_due, "tell", incident_id))
    state.deadlines += [(news.due, "news", key) for key, news in state.awaited.items()]
    for key, watched in state.watched.items():
        state.deadlines.append((watched.watch.due, "watch", key))
        if watched.look_due:
            state.deadlines.append((watched.look_due, "watch", key))
    heapq.heapify(state.deadlines)
    state.changed.clear()
    _relearn(state)


def _relearn(state: State) -> None:
    """Under new fingerprint rules, let known issues come back under another key for a while."""
    if state.clock.rules != RULES_VERSION:
        state.clock.rules = RULES_VERSION
        state.clock.relearning_until = state.now + RELEARNING_S
    if state.now >= state.clock.relearning_until:
        return
    for key, issue in state.issues.items():
        if issue.rules != RULES_VERSION:
            kind = issue.service, issue.environment, issue.exception_type
            state.older_rules.setdefault(kind, []).append(key)


def _by_touch(records: OrderedDict[K, Touched]) -> OrderedDict[K, Touched]:
    return OrderedDict(sorted(records.items(), key=lambda item: item[1].touched))


def _value(state: State, kind: Kind, key: str) -> msgspec.Raw:
    record = _FIND[kind](state, key)
    return _NOTHING if record is None else msgspec.Raw(_encoder.encode(record))


def _find_service(state: State, key: str) -> Service | None:
    size, _, rest = key.partition(":")
    environment, service = rest[: int(size)], rest[int(size) + 1 :]
    return state.services.get((service, environment))


_FIND: dict[Kind, Callable[[State, str], msgspec.Struct | None]] = {
    "issue": lambda state, key: state.issues.get(key),
    "archived": lambda state, key: state.archived.get(key),
    "awaited": lambda state, key: state.awaited.get(key),
    "fix": lambda state, key: state.fixes.get(key),
    "tombstone": lambda state, key: state.tombstones.get(key),
    "service": _find_service,
    "recent": lambda state, key: state.recent.get(key),
    "deploy": lambda state, key: state.deploys.get(key),
    "incident": lambda state, key: state.incidents.get(key),
    "watch": lambda state, key: state.watched.get(key),
    "settings": lambda state, _: state.settings,
    "clock": lambda state, _: state.clock,
}


class _IssueLine(msgspec.Struct, tag="state"):
    key: str
    value: Issue


_issue_line = msgspec.json.Decoder(_IssueLine)
_issue = msgspec.json.Decoder(Issue)
_archived = msgspec.json.Decoder(ArchivedIssue)
_awaited = msgspec.json.Decoder(AwaitedNews)
_fix = msgspec.json.Decoder(AwaitedFix)
_tombstone = msgspec.json.Decoder(Tombstone)
_service = msgspec.json.Decoder(Service)
_recent = msgspec.json.Decoder(RecentErrors)
_deploy = msgspec.json.Decoder(Deploy)
_incident = msgspec.json.Decoder(OpenIncident)
_watch = msgspec.json.Decoder(WatchedDeploy)
_seen = msgspec.json.Decoder(SeenChunk)
_settings = msgspec.json.Decoder(EngineSettings)
_clock = msgspec.json.Decoder(Clock)


def _take_issue(state: State, key: str, value: msgspec.Raw) -> None:
    _keep_issue(state, key, _issue.decode(value))


def _keep_issue(state: State, key: str, issue: Issue) -> None:
    take_over(issue.baseline)
    issue.service = intern(issue.service)
    issue.environment = intern(issue.environment)
    issue.exception_type = intern(issue.exception_type)
    if issue.release is not None:
        issue.release = intern(issue.release)
    state.issues[key] = issue


def _take_archived(state: State, key: str, value: msgspec.Raw) -> None:
    state.archived[key] = _archived.decode(value)


def _take_awaited(state: State, key: str, value: msgspec.Raw) -> None:
    state.awaited[key] = _awaited.decode(value)


def _take_fix(state: State, key: str, value: msgspec.Raw) -> None:
    awaited_fixes.keep(state, key, _fix.decode(value))


def _take_tombstone(state: State, key: str, value: msgspec.Raw) -> None:
    state.tombstones[key] = _tombstone.decode(value)


def _take_service(state: State, _key: str, value: msgspec.Raw) -> None:
    service = _service.decode(value)
    take_over(service.rare)
    service.service, service.environment = intern(service.service), intern(service.environment)
    state.services[service.service, service.environment] = service


def _take_recent(state: State, key: str, value: msgspec.Raw) -> None:
    state.recent[key] = _recent.decode(value)


def _take_deploy(state: State, key: str, value: msgspec.Raw) -> None:
    deploys.keep(state, key, _deploy.decode(value))


def _take_incident(state: State, key: str, value: msgspec.Raw) -> None:
    state.incidents[key] = _incident.decode(value)


def _take_watch(state: State, key: str, value: msgspec.Raw) -> None:
    state.watched[key] = _watch.decode(value)


def _take_seen(state: State, _key: str, value: msgspec.Raw) -> None:
    state.seen.restore(_seen.decode(value))


def _take_settings(state: State, _key: str, value: msgspec.Raw) -> None:
    state.settings = _settings.decode(value)


def _take_clock(state: State, _key: str, value: msgspec.Raw) -> None:
    state.clock = _clock.decode(value)


_TAKE_BACK: dict[str, Callable[[State, str, msgspec.Raw], None]] = {
    "issue": _take_issue,
    "archived": _take_archived,
    "awaited": _take_awaited,
    "fix": _take_fix,
    "tombstone": _take_tombstone,
    "service": _take_service,
    "recent": _take_recent,
    "deploy": _take_deploy,
    "incident": _take_incident,
    "watch": _take_watch,
    "seen": _take_seen,
    "settings": _take_settings,
    "clock": _take_clock,
}
