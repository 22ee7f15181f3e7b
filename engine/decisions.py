"""Why an event opened an incident, joined one, or did neither: the codes of all decisions.

docs/DECISIONS.md says each in words, with its numbers; a test holds the two together.
"""

from enum import StrEnum


class Code(StrEnum):
    """What became of one entry of the journal."""

    OPENED = "opened"
    JOINED = "joined"
    ESCALATED = "escalated"
    IN_INCIDENT = "in_incident"

    KNOWN = "known"
    NOT_PRODUCTION = "not_production"
    LATE = "late"
    SILENCED = "silenced"
    BEFORE_RESOLVE = "before_resolve"
    OLDER_RELEASE = "older_release"
    ALERTED_ALREADY = "alerted_already"
    COUNTED_ALREADY = "counted_already"
    DEPLOY_KNOWN = "deploy_known"

    NOTED = "noted"
    NOTHING_NAMED = "nothing_named"
    UNREADABLE = "unreadable"


def rounded(value: float) -> float:
    """A number for people, and short on the pipe: three significant digits."""
    return float(f"{value:.3g}")
