"""What a delivery tells: the whole piece of news, as it is in the outbox."""

from datetime import datetime
from typing import Literal

import msgspec

from server.storage.main.fixes import Fix, FixChange
from server.storage.main.incidents import StoredIncident
from server.storage.main.people import Interval
from server.storage.main.summaries import Summary
from server.storage.times import to_micros
from server.wording.explain import explain_incident
from shared.event import ChangeWindow, Severity
from shared.incident import IncidentSummary, SuspectCommit, Verdict

NewsChange = Literal["opened", "escalated", "joined", "reminded", "handed_on", FixChange, "ended"]
"""What is told of an incident."""


class IncidentNews(msgspec.Struct, tag="incident", kw_only=True, omit_defaults=True):
    """An incident opened, got worse, took in new errors, or ended, or a deploy did something to it.

    `incident` is what it was then, and `fix` what the deploy did.

    `seq` is the entry up to which that holds, or 0 if an earlier version wrote it. `why` is a
    sentence, with its numbers, on why it was opened. `acknowledged_by` is who looks after it, in a
    message that is edited when somebody does. `joined` names new errors in it that nobody was told
    of before.
    """

    change: NewsChange
    incident: IncidentSummary
    seq: int = 0
    why: str = ""
    ended_at: datetime | None = None
    end_reason: str | None = None
    acknowledged_by: str | None = None
    joined: list[str] = []
    waited: str = ""
    """That nobody has acknowledged it, and for how long."""
    fix: Fix | None = None

    @property
    def is_over(self) -> bool:
        """Return whether the incident has ended."""
        return self.change == "ended" or self.ended_at is not None


def news_of(stored: StoredIncident, change: NewsChange) -> IncidentNews:
    """Return that this happened to an incident, with all that is known of the incident now."""
    return IncidentNews(
        change=change,
        incident=stored.summary,
        seq=stored.changed_seq,
        why=explain_incident(stored.summary),
        ended_at=stored.ended_at,
        end_reason=stored.end_reason,
        acknowledged_by=stored.acknowledged_by,
    )


class SuspectNews(msgspec.Struct, tag="suspect", kw_only=True, omit_defaults=True):
    """A commit of the receiver is suspected to be the cause of an incident."""

    incident: IncidentSummary
    suspect: SuspectCommit
    why: str = ""


class SummaryNews(msgspec.Struct, tag="summary", kw_only=True, omit_defaults=True):
    """What happened in a day or a week, in the places that the receiver chose; None means all."""

    interval: Interval
    since: datetime
    until: datetime
    services: list[str] | None = None
    environments: list[str] | None = None
    summary: Summary


class PushNews(msgspec.Struct, tag="push", kw_only=True, omit_defaults=True):
    """A push to a watched branch: who, where, and which commits."""

    service: str
    environment: str
    title: str
    window: ChangeWindow
    links: dict[str, str] = {}


class VerdictNews(msgspec.Struct, tag="verdict", kw_only=True):
    """What a deploy did to the errors of its service."""

    service: str
    environment: str
    deploy_time: datetime
    verdict: Verdict
    reasons: list[str]


class CrashNews(msgspec.Struct, tag="crash", kw_only=True):
    """PushLog itself failed: what it said about it, and where."""

    at: datetime
    error_type: str
    message: str
    traceback: str


class TroubleNews(msgspec.Struct, tag="trouble", kw_only=True):
    """Something is wrong with PushLog itself, or is no longer; `text` says what, as it was last."""

    id: int
    change: Literal["opened", "ended"]
    severity: Severity
    title: str
    text: str
    advice: str
    opened_at: datetime
    closed_at: datetime | None


class TestNews(msgspec.Struct, tag="test"):
    """Somebody tests whether this channel works."""

    asked_at: datetime


class OnlyForOnePerson(ValueError):
    """This news goes to one person, and to no channel that others read.

    A suspicion is for the author of the commit, a summary for who chose it.
    """


News = (
    IncidentNews
    | SuspectNews
    | SummaryNews
    | PushNews
    | VerdictNews
    | CrashNews
    | TroubleNews
    | TestNews
)


def subject_of(news: News) -> str | None:
    """Return what a message is about, if the message is edited when there is more to say."""
    match news:
        case IncidentNews():
            return news.incident.incident_id
        case PushNews():
            return f"push/{news.environment}/{to_micros(news.window.deploy_time)}"
        case VerdictNews():
            return f"push/{news.environment}/{to_micros(news.deploy_time)}"
        case TroubleNews():
            return f"trouble/{news.id}"
        case _:
            return None
