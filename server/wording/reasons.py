"""What the engine says of suspects, deploys and ends, and what to do first, in words. Pure.

A code that is not known (of an engine of another version) is said as it is, with its numbers.
"""

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import structs

from server.wording.formats import place_of_frame, source_name, source_that_said
from server.wording.numbers import say_duration, say_number, say_numbers
from shared.incident import IncidentSummary, Numbers, Said, SuspectCommit
from shared.reasons import Action, End, Evidence, VerdictReason

_KINDS = {
    "rewording": "its message mentions only comments or documentation",
    "layout": "it seems to only move or reformat code",
    "not_run": "it touches only documents, tests, lock files or CI",
    "merge": "it merges commits that are listed separately",
    "undone": "it was reverted within the same deploy",
}
_MAX_SUBJECT = 80

Words = Callable[[Numbers], str]


def say(said: Said) -> str:
    """Why a commit is suspected, why a deploy is judged so, or why an incident ended."""
    return _say(said, _REASONS)


def in_words(incident: IncidentSummary) -> IncidentSummary:
    """The incident with everything in words that the engine says in codes."""
    return structs.replace(
        incident,
        suspected_causes=[
            structs.replace(each, evidence=[say(why) for why in each.evidence])
            for each in incident.suspected_causes
        ],
        recommended_first_actions=[*say_first_actions(incident)],
    )


def say_first_actions(incident: IncidentSummary) -> list[str]:
    """What to do first about this incident, in this order."""
    actions = _actions(incident)
    return [_say(each, actions) for each in incident.recommended_first_actions]


def _say(said: Said, words: Mapping[str, Words]) -> str:
    if isinstance(said, str):
        return said
    try:
        return words[said.code](said.numbers)
    except (LookupError, ValueError, TypeError, OverflowError):
        plain = said.code.replace("_", " ")
        return f"{plain} ({say_numbers(said.numbers)})" if said.numbers else plain


# --- why a commit is suspected -----------------------------------------------------------------


def _touches(numbers: Numbers) -> str:
    function = f"{numbers['function']} in " if "function" in numbers else ""
    surely = "" if numbers["sure"] else "probably "
    alone = "; no other commit of the deploy touches this file" if numbers["alone"] else ""
    return f"it changes {function}{numbers['file']}, {surely}{_where(numbers)}{alone}"


def _touches_name(numbers: Numbers) -> str:
    return f"it changes a function named {numbers['function']}, like one {_where(numbers)}"


def _where(numbers: Numbers) -> str:
    return "where the error was raised" if numbers["depth"] == 0 else "on the way to the error"


def _shares_words(numbers: Numbers) -> str:
    words = ", ".join(f"“{word}”" for word in str(numbers["words"]).split(", "))
    return f"its message and the error both mention {words}"


def _before(what: str, numbers: Numbers) -> str:
    minutes = float(numbers["minutes"])
    if minutes <= 0:
        return f"{what} when the error began"
    return f"{what} {say_duration(minutes)} before the error"


# --- why a deploy is judged so -------------------------------------------------------------------


def _new_issue(numbers: Numbers) -> str:
    return f"{_times(numbers)}, never seen before this deploy"


def _above_usual(numbers: Numbers) -> str:
    return f"{_times(numbers)}, {say_number(numbers['expected'])} expected"


def _times(numbers: Numbers) -> str:
    minutes = say_duration(float(numbers["minutes"]))
    return f"{numbers['issue']}: {say_number(numbers['count'])} in {minutes}"


def _no_more_than_usual(numbers: Numbers) -> str:
    count = numbers["errors"]
    errors = {0: "no errors", 1: "1 error"}.get(int(count), f"{say_number(count)} errors")
    usual = ", no issue more often than usual" if count else ""
    return f"{errors} in {say_duration(float(numbers['minutes']))}{usual}"


def _likely_commit(numbers: Numbers) -> str:
    commit, surely = str(numbers["commit"])[:12], f"{float(numbers['confidence']):.0%}"
    return f"probably caused by commit {commit} ({surely}): {numbers['message']}"


_REASONS: dict[str, Words] = {
    Evidence.TOUCHES: _touches,
    Evidence.TOUCHES_NAME: _touches_name,
    Evidence.SHARES_WORDS: _shares_words,
    Evidence.BROUGHT_RELEASE: lambda numbers: (
        f"it came with release {numbers['release']}, where the error was first seen"
    ),
    Evidence.UNLIKELY_KIND: lambda numbers: f"less likely, because {_KINDS[str(numbers['kind'])]}",
    Evidence.ADDS_LINES: lambda numbers: f"it adds {say_number(numbers['added'])} lines",
    Evidence.DEPLOYED_BEFORE: partial(_before, "it was deployed"),
    Evidence.TAKEN_AWAY: partial(_before, "a deploy that went back took it away"),
    VerdictReason.NEW_ISSUE: _new_issue,
    VerdictReason.ABOVE_USUAL: _above_usual,
    VerdictReason.MORE_ISSUES: lambda numbers: f"and {say_number(numbers['issues'])} more issues",
    VerdictReason.NO_MORE_THAN_USUAL: _no_more_than_usual,
    VerdictReason.TOLD_LATE: lambda numbers: (
        f"it was announced {say_duration(float(numbers['minutes']))} after it went live"
    ),
    VerdictReason.SERVICE_TOO_NEW: lambda _: (
        "the service has not been known long enough to tell new errors from usual ones"
    ),
    VerdictReason.LATER_DEPLOY: lambda _: "a later deploy went live before it could be watched",
    VerdictReason.LIKELY_COMMIT: _likely_commit,
    End.QUIET: lambda _: "it is quiet again",
    End.RATES_BACK: lambda _: "its rates are back to normal",
    End.USUAL_NOW: lambda _: "it has lasted for a day and is now the usual state",
    End.TOO_MANY_OPEN: lambda _: "too many incidents are open",
    End.RESOLVED: lambda numbers: f"resolved by {numbers['by']}",
    End.SILENCED: lambda numbers: f"silenced by {numbers['by']}",
    End.DEPLOY_JUDGED: lambda numbers: (
        f"the deploy has its verdict: {str(numbers['verdict']).replace('_', ' ')}"
    ),
}


# --- what to do first ----------------------------------------------------------------------------


def _actions(incident: IncidentSummary) -> dict[str, Words]:
    """The words for this incident, whose names and numbers they hold."""
    service, why = incident.service, incident.trigger_numbers
    return {
        Action.SOURCE_SAYS_BACK: lambda _: (
            f"Check the issue's history: {source_that_said(why)} reports that it came back"
        ),
        Action.SOURCE_SAYS_WORSE: lambda _: (
            f"Check the issue's history: {source_that_said(why)} reports that it is getting worse"
        ),
        Action.CHECK_FIX: lambda _: _check_fix(why),
        Action.FIND_WHAT_RUNS_AGAIN: lambda _: (
            "Find out what is running again: the error was silent for "
            f"{say_duration(float(why['silent_min']))}, and never before for more than "
            f"{say_duration(float(why['longest_gap_min']))}"
        ),
        Action.LOOK_AT_RULE: lambda _: (
            f"Check the alert rule “{incident.alert_rule}” of {source_name(incident.source)}: "
            "it fired"
        ),
        Action.LOOK_AT_CHANGE_OF_RATE: lambda _: (
            f"Find out what changed at {incident.start_time:%H:%M} UTC: {why['rate_per_min']} a "
            f"minute instead of {why['usual_per_min']}"
        ),
        Action.ANNOUNCE_DEPLOYS: lambda _: (
            f"Announce deploys of {service} to {incident.environment}: PushLog knows of none, so "
            "it cannot name a commit"
        ),
        Action.REVERT_SUSPECT: lambda _: f"Revert or fix {_suspect(incident)}",
        Action.LOOK_AT_SUSPECT: lambda _: f"Look at {_suspect(incident)}",
        Action.FIND_ONE_CAUSE: lambda _: (
            f"Look for a single cause: {incident.issue_count} different errors of {service} began "
            "within minutes (its database, network, configuration, the services it calls)"
        ),
        Action.CHECK_DISK: lambda _: f"Check the free disk space of {service}",
        Action.CHECK_MEMORY: lambda _: (
            f"Check the memory of {service}, and what filled it when it ran out"
        ),
        Action.CHECK_WHAT_IS_OPEN: lambda _: (
            f"Check what {service} keeps open: a pool or a limit is exhausted"
        ),
        Action.CHECK_CERTIFICATE: lambda _: (
            f"Check whether the certificate of a service that {service} calls has expired"
        ),
        Action.FIND_DEADLOCK: lambda _: (
            f"Look for transactions that wait for each other in the database of {service}"
        ),
        Action.CHECK_CREDENTIALS: lambda _: (
            f"Check the credentials and permissions that {service} uses"
        ),
        Action.CHECK_RATE_LIMIT: lambda _: (
            f"Check how often {service} sends requests: it is being rate limited"
        ),
        Action.CHECK_WHAT_IS_CALLED: lambda _: (
            f"Check that what {service} calls is up and responds"
        ),
        Action.OPEN_PLACE: lambda _: (
            f"Open {_place(incident)}, where {incident.exception_type} was raised"
        ),
        Action.TRY_ROUTE: lambda _: f"Try {incident.api_route} in {incident.environment}",
        Action.WATCH_DEPLOY: lambda _: (
            f"Watch the errors of {service} in {incident.environment}; PushLog says within 30 "
            "minutes whether this deploy is clean"
        ),
        Action.LOOK_AT_RISKIEST: _look_at_riskiest,
    }


def _check_fix(why: Numbers) -> str:
    where = f" in release {why['release']}" if "release" in why else ""
    ago = say_duration(float(why["resolved_for_min"]))
    return f"Check the fix: the issue was resolved, and came back after {ago}{where}"


def _suspect(incident: IncidentSummary) -> str:
    first = incident.suspected_causes[0]
    likely = f"{round(100 * first.confidence)} % likely the cause"
    return f"{_commit(first)}, {likely}: {say(first.evidence[0])}"


def _commit(suspect: SuspectCommit) -> str:
    by = f" by {suspect.author}" if suspect.author else ""
    subject = f" “{suspect.message[:_MAX_SUBJECT]}”" if suspect.message else ""
    return f"commit {suspect.commit_id[:12]}{subject}{by}"


def _place(incident: IncidentSummary) -> str:
    """The innermost frame of our own code, or of any."""
    trace = incident.stacktrace
    frame = next((frame for frame in trace if frame.in_app), trace[0])
    place = place_of_frame(frame)
    if not place:
        return str(frame.function)
    return f"{place} ({frame.function})" if frame.function else place


def _look_at_riskiest(numbers: Numbers) -> str:
    return (
        f"Look at commit {str(numbers['commit'])[:12]} “{numbers['subject']}” first: "
        f"+{numbers['added']} -{numbers['deleted']} lines, {numbers['files']} files"
    )
