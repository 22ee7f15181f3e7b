"""What came in, in words: what a webhook became, and why it became nothing. Pure."""

from server.wording.explain import explain_decision
from server.wording.formats import utc
from shared.pipe import (
    ChangeWindowEntry,
    Decision,
    Entry,
    EventEntry,
    Resolve,
    Settings,
    Silence,
)

OUTCOMES = {
    "accepted": "Accepted",
    "duplicate": "Duplicate",
    "no_event": "No event",
    "refused": "Refused",
    "invalid": "Invalid",
    "queue_full": "Queue full",
    "not_stored": "Not stored",
}
"""Each outcome as a heading."""

UNREADABLE = "An entry of another version that cannot be read"


def became(entry: Entry) -> str:
    """What was made of a webhook."""
    match entry:
        case EventEntry(kind="deploy"):
            return f"Deploy of {entry.service} to {entry.environment}: {entry.message}"
        case EventEntry():
            news = "" if entry.occurrence else ", as an update on its issue"
            return f"{entry.exception_type} in {entry.service}/{entry.environment}{news}"
        case ChangeWindowEntry():
            return f"Deploy of {entry.service} to {entry.environment}"
        case Resolve():
            release = f" in {entry.release}" if entry.release else ""
            return f"Issue {_issue(entry)} resolved{release} by {entry.by}"
        case Silence() if entry.until is not None and entry.until <= entry.time:
            return f"Issue {_issue(entry)} unsilenced by {entry.by}"
        case Silence():
            until = f" until {utc(entry.until)}" if entry.until else ""
            return f"Issue {_issue(entry)} silenced{until} by {entry.by}"
        case Settings():
            return "Settings"


def why_decided(seq: int, decision: Decision | None, decided_to: int) -> str:
    """Why this was decided about the entry at `seq`, or why no decision is known.

    Decisions are stored up to `decided_to`.
    """
    if decision is not None:
        return explain_decision(decision)
    if seq > decided_to:
        return "It is on the disk, and waits for the engine."
    return "The decision on it is no longer kept."


def why_unentered(
    outcome: str, reason: str, first_seq: int | None, became_of_first: str | None
) -> str:
    """Why a webhook made no entry; of a duplicate, what became of the first of its kind."""
    match outcome:
        case "duplicate":
            said = f"The same delivery arrived within the day before, as entry {first_seq}."
            return f"{said} Its result: {became_of_first}" if became_of_first else said
        case "no_event":
            return "It contains no event and has no effect."
    return f"{reason[:1].upper()}{reason[1:]}."


def _issue(entry: Resolve | Silence) -> str:
    return entry.issue_id or entry.issue or entry.incident_id or "without a name"
