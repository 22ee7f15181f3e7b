"""What to do first about an incident, with the names and numbers of this one."""

import re

from engine.memory.records import Deploy, OpenIncident
from engine.memory.state import State
from shared.event import Frame
from shared.incident import SuspectCommit
from shared.text import first_line

MAX_ACTIONS = 5
LIKELY = 0.5
_MAX_SUBJECT = 80

_DEPENDENCIES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"no space left|disk (?:is )?full|ENOSPC|quota exceeded",
            "Check the free disk space of {service}",
        ),
        (
            r"out ?of ?memory|MemoryError|heap space|OOM|ENOMEM|cannot allocate",
            "Check the memory of {service}, and what it held when it ran out",
        ),
        (
            r"too many (?:open files|connections|clients)|EMFILE|pool (?:timeout|exhausted|limit)"
            r"|connection pool",
            "Check what {service} keeps open: a pool or a limit is used up",
        ),
        (
            r"certificate|SSL|TLS handshake",
            "Check the certificate of what {service} calls: has it expired?",
        ),
        (
            r"deadlock|lock wait|serialization failure",
            "Look for transactions that wait for each other in the database of {service}",
        ),
        (
            r"\b401\b|\b403\b|unauthori[sz]ed|forbidden|access denied|permission denied"
            r"|(?:token|credentials?|key) (?:has |is )?(?:expired|invalid|revoked)",
            "Check the credentials and permissions that {service} uses",
        ),
        (
            r"\b429\b|rate limit|too many requests|throttl",
            "Check how often {service} calls: it is being held back by a rate limit",
        ),
        (
            r"time(?:d)? ?out|ECONN|connection (?:refused|reset|closed|aborted)|unreachable"
            r"|name or service not known|ENOTFOUND|getaddrinfo|broken pipe|\b50[234]\b",
            "Check that what {service} calls is up and answers",
        ),
    )
)
"""What an error's own words say about where to look, the particular before the general."""


def first_actions(state: State, incident: OpenIncident) -> list[str]:
    """Sentences in the order in which to do them."""
    if incident.trigger == "deploy":
        return _of_deploy(state, incident)
    found = [
        *_of_trigger(incident),
        *_of_suspects(state, incident),
        *_of_breadth(incident),
        *_of_words(incident),
        *_of_place(incident),
    ]
    return found[:MAX_ACTIONS]


def _of_trigger(incident: OpenIncident) -> list[str]:
    numbers, lead = incident.numbers, incident.lead
    if "said_by_source" in numbers:
        what = "came back" if incident.trigger == "regression" else "is getting worse"
        return [
            f"Look at the history of the issue: {numbers['said_by_source']} says that it {what}"
        ]
    if "resolved_for_min" in numbers:
        where = f" in release {numbers['release']}" if "release" in numbers else ""
        ago = _duration(numbers["resolved_for_min"])
        return [f"Check the fix: it was resolved, and is back after {ago}{where}"]
    if "silent_min" in numbers:
        silent, usual = _duration(numbers["silent_min"]), _duration(numbers["longest_gap_min"])
        return [f"Look for what runs again: it was silent for {silent}, before never over {usual}"]
    if incident.trigger == "alert":
        return [f"Look at the rule “{lead.alert_rule}” of {lead.source}: it fired"]
    if "rate_per_min" in numbers and "usual_per_min" in numbers:
        return [
            f"Look at what changed at {_clock(incident.start)} UTC: {numbers['rate_per_min']} a"
            f" minute instead of {numbers['usual_per_min']}"
        ]
    return []


def _of_suspects(state: State, incident: OpenIncident) -> list[str]:
    if not incident.suspects:
        if (incident.service, incident.environment) in state.deploys_of:
            return []
        return [
            f"Announce the deploys of {incident.service} to {incident.environment}: none is known,"
            " so no commit can be named"
        ]
    first = incident.suspects[0]
    surely = f"{round(100 * first.confidence)} % likely the cause"
    if first.confidence >= LIKELY:
        return [f"Revert or fix {_commit_name(first)}, {surely}: {first.evidence[0]}"]
    return [f"Look at {_commit_name(first)}, {surely}: {first.evidence[0]}"]


def _of_breadth(incident: OpenIncident) -> list[str]:
    if incident.issue_count < 5:
        return []
    return [
        f"Look for one cause: {incident.issue_count} different errors of {incident.service} began"
        " within minutes (its database, its network, what it calls, its configuration)"
    ]


def _of_words(incident: OpenIncident) -> list[str]:
    said = f"{incident.lead.exception_type} {incident.lead.message}"
    for pattern, advice in _DEPENDENCIES:
        if pattern.search(said):
            return [advice.format(service=incident.service)]
    return []


def _of_place(incident: OpenIncident) -> list[str]:
    lead = incident.lead
    found = []
    if lead.stacktrace:
        frame = next((frame for frame in lead.stacktrace if frame.in_app), lead.stacktrace[0])
        found.append(f"Open {_frame_name(frame)}, where {lead.exception_type} was raised")
    if lead.api_route:
        found.append(f"Try {lead.api_route} in {incident.environment}")
    return found


def _of_deploy(state: State, incident: OpenIncident) -> list[str]:
    where = f"{incident.service} in {incident.environment}"
    found = [f"Watch the errors of {where}; whether this deploy is clean is said within 30 minutes"]
    deploy = _deploy_of(state, incident)
    if deploy is None or len(deploy.window.commits) < 2:
        return found
    riskiest = max(
        deploy.window.commits,
        key=lambda commit: (commit.risk_score or 0.0, (commit.added or 0) + (commit.deleted or 0)),
    )
    size = f"+{riskiest.added or 0} -{riskiest.deleted or 0} lines, {len(riskiest.files)} files"
    subject = first_line(riskiest.message)[:_MAX_SUBJECT]
    found.append(f"Look at {riskiest.id[:12]} first, “{subject}”: {size}")
    return found


def _deploy_of(state: State, incident: OpenIncident) -> Deploy | None:
    keys = state.deploys_of.get((incident.service, incident.environment), ())
    deploys = (state.deploys[key] for key in keys)
    return next((d for d in deploys if d.incident == incident.incident_id), None)


def _commit_name(suspect: SuspectCommit) -> str:
    by = f" by {suspect.author}" if suspect.author else ""
    subject = f" “{suspect.message[:_MAX_SUBJECT]}”" if suspect.message else ""
    return f"commit {suspect.commit_id[:12]}{subject}{by}"


def _frame_name(frame: Frame) -> str:
    place = frame.file or frame.module
    if place is None:
        return f"{frame.function}"
    line = f":{frame.line}" if frame.line else ""
    return f"{place}{line}" + (f" ({frame.function})" if frame.function else "")


def _duration(minutes: float | int | str) -> str:
    length = float(minutes)
    for unit, size in (("day", 1440.0), ("hour", 60.0)):
        if length >= 2 * size:
            return f"{round(length / size)} {unit}s"
    return f"{round(length)} minutes"


def _clock(seconds: float) -> str:
    of_day = int(seconds) % 86_400
    return f"{of_day // 3600:02}:{of_day // 60 % 60:02}"
