"""Why, or why not: what the engine decided, in words, with the numbers that decided it. Pure."""

from collections.abc import Callable

import msgspec

from server.wording.formats import source_that_said
from server.wording.numbers import say_number, say_numbers, say_span
from shared.decisions import Code
from shared.incident import IncidentSummary, Numbers, Trigger
from shared.pipe import Decision, Incident

TRIGGERS: dict[Trigger, str] = {
    "new_issue": "This error has never been seen before",
    "spike": "This error occurs much more often than usual",
    "regression": "This error is back",
    "deploy": "A deploy was reported",
    "alert": "An alert rule fired at the source",
}
"""Each trigger as a sentence, for where its numbers are not known."""

DECISIONS: dict[Code, str] = {
    Code.OPENED: "It opened an incident",
    Code.JOINED: "Its issue joined an open incident",
    Code.ESCALATED: "It made an open incident worse",
    Code.IN_INCIDENT: "Its issue is part of an open incident, and it was counted there",
    Code.KNOWN: "Its issue is known and not unusually frequent",
    Code.USUAL_BURST: "Its issue often has such a burst",
    Code.NOT_PRODUCTION: "Its environment is not a production environment",
    Code.AWAITS_ENVIRONMENT: "It names no environment, so it waits for an event of its issue",
    Code.LATE: "It arrived more than an hour after it happened, so it was only counted",
    Code.SILENCED: "Its issue is silenced",
    Code.BEFORE_RESOLVE: "It happened before its issue was resolved",
    Code.OLDER_RELEASE: "Its issue is resolved, and its release is older than the one with the fix",
    Code.ALERTED_ALREADY: "Its rule already alerted on this issue within a day, and it is no worse",
    Code.COUNTED_ALREADY: "The same event already arrived, through another rule or resource",
    Code.DEPLOY_KNOWN: "This deploy was already announced",
    Code.NOTED: "It is not an error; PushLog noted what it says",
    Code.NOTHING_NAMED: "It names no known issue or incident",
    Code.UNREADABLE: "The engine could not read it",
    Code.UNDECIDED: "The engine acknowledged it without a decision",
    Code.DEAD_LETTER: "The engine died on it twice, so it was set aside as a dead letter",
    Code.OTHER: "An engine of another version decided it, with a code this PushLog does not know",
}
"""Each code of docs/DECISIONS.md as a sentence, for where its numbers are not known."""


_OTHER_NUMBERS = (KeyError, ValueError, TypeError, OverflowError)
"""Of an engine of another version: missing, a text where we have a number, or beyond all bounds."""


def explain_incident(incident: IncidentSummary) -> str:
    """Why this incident was opened."""
    return explain_trigger(incident.trigger, incident.trigger_numbers)


def explain_change(incident: Incident) -> str:
    """What this change of the incident is, for its timeline."""
    match incident.change:
        case "joined":
            names = ", ".join(dict.fromkeys(each.exception_type for each in incident.top_symptoms))
            return f"Now {incident.issue_count} issues: {names}."
        case "escalated":
            return f"Now {incident.severity}, after {incident.event_count:,} events."
        case "opened" | "updated":
            return explain_incident(incident)


def explain_trigger(trigger: Trigger, numbers: Numbers) -> str:
    """What fired, with its numbers; other numbers than ours (of another engine) as they are."""
    try:
        return _WHY[trigger](numbers)
    except _OTHER_NUMBERS:
        return _plain(TRIGGERS[trigger], numbers)


def explain_decision(decision: Decision) -> str:
    """What became of an event, and why."""
    numbers = decision.numbers
    try:
        match decision.code:
            case Code.OPENED | Code.JOINED:
                rest = {name: number for name, number in numbers.items() if name != "trigger"}
                why = explain_trigger(msgspec.convert(numbers["trigger"], Trigger), rest)
                return f"{DECISIONS[decision.code]}{_which(decision)}. {why}"
            case Code.ESCALATED:
                now = f"now {numbers['severity']}, after {say_number(numbers['events'])} events"
                return f"{DECISIONS[decision.code]}{_which(decision)}: {now}."
            case Code.KNOWN if "usual_per_min" in numbers:
                return (
                    f"{DECISIONS[decision.code]}: "
                    f"{say_number(numbers['rate_per_min'])} events a minute, usually "
                    f"{say_number(numbers['usual_per_min'])}. "
                    f"A spike starts at {say_number(numbers['threshold'])} events in two minutes."
                )
            case Code.USUAL_BURST if numbers:
                return (
                    f"{DECISIONS[decision.code]}, {say_number(numbers['bursts'])} times in "
                    f"7 days: {say_number(numbers['rate_per_min'])} events a minute, usually "
                    f"{say_number(numbers['usual_per_min'])}. A higher or longer one is a spike."
                )
            case Code.SILENCED:
                would_be = str(numbers["trigger"]).replace("_", " ")
                return (
                    f"{DECISIONS[decision.code]}{_which(decision)}; otherwise this would be a "
                    f"{would_be}."
                )
    except (*_OTHER_NUMBERS, msgspec.ValidationError):
        pass
    return _plain(f"{DECISIONS[decision.code]}{_which(decision)}", numbers)


def _new_issue(numbers: Numbers) -> str:
    return f"This error has never been seen before in {numbers['environment']}."


def _regression(numbers: Numbers) -> str:
    if "said_by_source" in numbers:
        return f"The source ({source_that_said(numbers)}) reports that this issue is back."
    if "resolved_for_min" in numbers:
        release = f", in release {numbers['release']}" if "release" in numbers else ""
        span = say_span(float(numbers["resolved_for_min"]))
        return f"This error is back, {span} after it was resolved{release}."
    return (
        f"This error is back after {say_span(float(numbers['silent_min']))} of silence. The "
        f"longest of its {say_number(numbers['known_gaps'])} earlier gaps was "
        f"{say_span(float(numbers['longest_gap_min']))}."
    )


def _spike(numbers: Numbers) -> str:
    if "said_by_source" in numbers:
        return f"The source ({source_that_said(numbers)}) reports that this issue is escalating."
    if "part_of" in numbers:
        return "This error is part of a current problem with the whole service."
    what = "rare errors of this service" if "different_errors" in numbers else "events"
    minutes = float(numbers["window_min"])
    usual = say_number(round(float(numbers["usual_per_min"]) * minutes, 2))
    return (
        f"{say_number(numbers['count'])} {what} within {say_span(minutes)}, "
        f"{say_number(numbers['factor'])} times the usual {usual}. A spike starts at "
        f"{say_number(numbers['threshold'])}, which chance alone hardly ever reaches; the odds "
        f"of this many are 1 in {_one_in(float(numbers['log10_p']))}."
    )


def _deploy(numbers: Numbers) -> str:
    counts = [
        f"{say_number(numbers[name])} {word}{'' if numbers[name] == 1 else 's'}"
        for name, word in (("commits", "commit"), ("authors", "author"), ("files", "file"))
    ]
    lines = f"{say_number(numbers['added'])} lines added, {say_number(numbers['deleted'])} deleted"
    risk = numbers.get("highest_risk")
    risky = "" if risk is None else f" The highest risk score is {say_number(risk)}."
    return f"A deploy was reported: {', '.join(counts)}; {lines}.{risky}"


def _alert(numbers: Numbers) -> str:
    rule = numbers["alert_rule"]
    return f"The alert rule “{rule}” fired at the source."


_WHY: dict[str, Callable[[Numbers], str]] = {
    "new_issue": _new_issue,
    "regression": _regression,
    "spike": _spike,
    "deploy": _deploy,
    "alert": _alert,
}


def _which(decision: Decision) -> str:
    return f" ({decision.incident_id})" if decision.incident_id else ""


def _one_in(log10_p: float) -> str:
    if log10_p <= -15:
        return "more than 10¹⁵"
    return f"{float(f'{10**-log10_p:.1g}'):,.0f}"


def _plain(words: str, numbers: Numbers) -> str:
    return f"{words} ({say_numbers(numbers)})." if numbers else f"{words}."
