"""The codes of all decisions: why an event opened an incident, joined one, or did neither.

docs/DECISIONS.md explains each code in words, with its numbers; a test keeps the two in step.
"""

from enum import StrEnum


class Code(StrEnum):
    """What became of one entry of the journal. `OTHER` is a code unknown to this PushLog."""

    OPENED = "opened"
    JOINED = "joined"
    ESCALATED = "escalated"
    IN_INCIDENT = "in_incident"

    KNOWN = "known"
    USUAL_BURST = "usual_burst"
    NOT_PRODUCTION = "not_production"
    AWAITS_ENVIRONMENT = "awaits_environment"
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
    UNDECIDED = "undecided"
    DEAD_LETTER = "dead_letter"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "Code":
        return cls.OTHER
