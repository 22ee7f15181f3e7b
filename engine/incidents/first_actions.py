"""Choose what to do first about an incident."""

import re
from itertools import islice

from engine.memory.records import Deploy, OpenIncident
from engine.memory.state import State
from shared.incident import Numbers, Reason, Said
from shared.reasons import Action
from shared.text import first_line

MAX_ACTIONS = 5
LIKELY = 0.5
_MANY_ISSUES = 5
_MAX_SUBJECT = 80

_DEPENDENCIES: tuple[tuple[re.Pattern[str], Action], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), action)
    for pattern, action in (
        (
            r"no space left|disk (?:is )?full|ENOSPC|quota exceeded",
            Action.CHECK_DISK,
        ),
        (
            r"out ?of ?memory|MemoryError|heap space|OOM|ENOMEM|cannot allocate",
            Action.CHECK_MEMORY,
        ),
        (
            r"too many (?:open files|connections|clients)|EMFILE|pool (?:timeout|exhausted|limit)"
            r"|connection pool",
            Action.CHECK_WHAT_IS_OPEN,
        ),
        (
            r"certificate|SSL|TLS handshake",
            Action.CHECK_CERTIFICATE,
        ),
        (
            r"deadlock|lock wait|serialization failure",
            Action.FIND_DEADLOCK,
        ),
        (
            r"\b401\b|\b403\b|unauthori[sz]ed|forbidden|access denied|permission denied"
            r"|(?:token|credentials?|key) (?:has |is )?(?:expired|invalid|revoked)",
            Action.CHECK_CREDENTIALS,
        ),
        (
            r"\b429\b|rate limit|too many requests|throttl",
            Action.CHECK_RATE_LIMIT,
        ),
        (
            r"time(?:d)? ?out|ECONN|connection (?:refused|reset|closed|aborted)|unreachable"
            r"|name or service not known|ENOTFOUND|getaddrinfo|broken pipe|\b50[234]\b",
            Action.CHECK_WHAT_IS_CALLED,
        ),
    )
)
"""What an error's own words say about where to look, from the particular to the general."""


def first_actions(state: State, incident: OpenIncident) -> list[Said]:
    """Return what to do, in this order."""
    if incident.trigger == "deploy":
        return _of_deploy(state, incident)
    found = [
        *_of_trigger(incident),
        *_of_suspects(state, incident),
        *([Action.FIND_ONE_CAUSE] if incident.issue_count >= _MANY_ISSUES else ()),
        *_of_words(incident),
        *_of_place(incident),
    ]
    return [Reason(action) for action in found[:MAX_ACTIONS]]


def _of_trigger(incident: OpenIncident) -> list[Action]:
    numbers = incident.numbers
    if "said_by_source" in numbers:
        came_back = incident.trigger == "regression"
        return [Action.SOURCE_SAYS_BACK if came_back else Action.SOURCE_SAYS_WORSE]
    if "resolved_for_min" in numbers:
        return [Action.CHECK_FIX]
    if "silent_min" in numbers:
        return [Action.FIND_WHAT_RUNS_AGAIN]
    if incident.trigger == "alert":
        return [Action.LOOK_AT_RULE]
    if "rate_per_min" in numbers and "usual_per_min" in numbers:
        return [Action.LOOK_AT_CHANGE_OF_RATE]
    return []


def _of_suspects(state: State, incident: OpenIncident) -> list[Action]:
    if incident.suspects:
        first = incident.suspects[0]
        may_go = first.confidence >= LIKELY and not first.taken_away
        return [Action.REVERT_SUSPECT if may_go else Action.LOOK_AT_SUSPECT]
    if (incident.service, incident.environment) in state.deploys_of:
        return []
    return [Action.ANNOUNCE_DEPLOYS]


def _of_words(incident: OpenIncident) -> list[Action]:
    said = f"{incident.lead.exception_type} {incident.lead.message}"
    found = (action for pattern, action in _DEPENDENCIES if pattern.search(said))
    return list(islice(found, 1))


def _of_place(incident: OpenIncident) -> list[Action]:
    lead = incident.lead
    return [
        *([Action.OPEN_PLACE] if lead.stacktrace else ()),
        *([Action.TRY_ROUTE] if lead.api_route else ()),
    ]


def _of_deploy(state: State, incident: OpenIncident) -> list[Said]:
    found: list[Said] = [Reason(Action.WATCH_DEPLOY)]
    deploy = _deploy_of(state, incident)
    if deploy is None or len(deploy.window.commits) < 2:
        return found
    riskiest = max(
        deploy.window.commits,
        key=lambda commit: (commit.risk_score or 0.0, (commit.added or 0) + (commit.deleted or 0)),
    )
    numbers: Numbers = {
        "commit": riskiest.id,
        "subject": first_line(riskiest.message)[:_MAX_SUBJECT],
        "added": riskiest.added or 0,
        "deleted": riskiest.deleted or 0,
        "files": len(riskiest.files),
    }
    return [*found, Reason(Action.LOOK_AT_RISKIEST, numbers)]


def _deploy_of(state: State, incident: OpenIncident) -> Deploy | None:
    keys = state.deploys_of.get((incident.service, incident.environment), ())
    deploys = (state.deploys[key] for key in keys)
    return next((d for d in deploys if d.incident == incident.incident_id), None)
