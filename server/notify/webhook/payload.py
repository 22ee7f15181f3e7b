"""The JSON that a program gets about each piece of news. docs/NOTIFICATIONS.md describes it. Pure.

The texts are short, and what looks like a secret in them is masked. Who wants more asks the API.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from server.notify.channel import Letter
from server.notify.masking import cut, route_of, without_secrets
from server.notify.news import (
    CrashNews,
    IncidentNews,
    News,
    OnlyForOnePerson,
    PushNews,
    SummaryNews,
    SuspectNews,
    TestNews,
    TroubleNews,
    VerdictNews,
)
from server.notify.webhook.signature import message_id
from server.storage.main.fixes import Fix, NamedCommit
from server.wording.fixes import say_fix
from server.wording.reasons import say
from shared.event import Commit, Severity
from shared.incident import SuspectCommit, Trigger, Verdict
from shared.text import first_line

MESSAGE = 4_000
LINE = 500
SUSPECTS = 3
COMMITS = 20
_LONGEST_SECRET = 1_000
"""Text cut off this far behind a limit is no part of a secret before it."""


class Suspect(msgspec.Struct, frozen=True):
    """A commit that may be the cause; `confidence` is from 0 to 1."""

    commit_id: str
    subject: str
    author: str | None
    url: str | None
    confidence: float
    evidence: list[str]


class CommitData(msgspec.Struct, frozen=True):
    """A commit that is pushed, suspected or reverts another."""

    commit_id: str
    subject: str
    author: str | None
    url: str | None


class FixData(msgspec.Struct, frozen=True, kw_only=True):
    """What a deploy did about the cause: its commit `reverted_by` reverts the commit `suspect`.

    `reverted_by` is null if the deploy goes back to what ran before that, and both are null if it
    brings the `release` that has the fix. `text` says it.
    """

    text: str
    deploy_id: str
    deploy_time: datetime
    release: str | None
    suspect: CommitData | None
    reverted_by: CommitData | None


class IncidentData(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as it was then; `url` is its page, `source_url` where the error is shown.

    `new_errors` names those in it that nobody was told of before, and `fix` is what a deploy did
    about its cause, if that is what is told.
    """

    incident_id: str
    title: str
    service: str
    environment: str
    severity: Severity
    trigger: Trigger
    priority_score: int
    why: str
    exception_type: str
    message: str
    start_time: datetime
    last_seen: datetime
    event_count: int
    issue_count: int
    release: str | None
    route: str | None
    suspects: list[Suspect]
    new_errors: list[str]
    ended_at: datetime | None
    end_reason: str | None
    fix: FixData | None
    url: str
    source_url: str | None


class PushData(msgspec.Struct, frozen=True, kw_only=True):
    """A push to a watched branch; `url` shows what changed, and `commits` are the newest."""

    title: str
    services: list[str]
    environment: str
    deploy_time: datetime
    repository: str | None
    branch: str | None
    pushed_by: str | None
    commit_count: int
    commits: list[CommitData]
    url: str | None


class VerdictData(msgspec.Struct, frozen=True, kw_only=True):
    """What a deploy did to the errors of its service."""

    service: str
    environment: str
    deploy_time: datetime
    verdict: Verdict
    reasons: list[str]
    url: str


class TroubleData(msgspec.Struct, frozen=True, kw_only=True):
    """Something is wrong with PushLog itself, or was."""

    trouble_id: int
    severity: Severity
    title: str
    text: str
    advice: str
    opened_at: datetime
    ended_at: datetime | None
    url: str


class CrashData(msgspec.Struct, frozen=True):
    """PushLog itself failed."""

    error_type: str
    message: str


class TestData(msgspec.Struct, frozen=True):
    """Somebody tests whether calls arrive."""

    message: str = "This is a test: PushLog can call you."


Data = IncidentData | PushData | VerdictData | TroubleData | CrashData | TestData
NotificationType = Literal[
    "incident.opened",
    "incident.escalated",
    "incident.joined",
    "incident.reminded",
    "incident.suspect_reverted",
    "incident.fix_live",
    "incident.ended",
    "deploy.pushed",
    "deploy.verdict",
    "trouble.opened",
    "trouble.ended",
    "crash",
    "test",
]


class Notification(msgspec.Struct, frozen=True):
    """One piece of news. `id` is the same however often it is sent, alone or in a digest."""

    id: str
    type: NotificationType
    timestamp: datetime
    data: object


class DigestData(msgspec.Struct, frozen=True):
    """What was held back while there was too much at once, oldest first."""

    notifications: list[Notification]


class Digest(msgspec.Struct, frozen=True):
    """Several notifications in one call; `timestamp` is that of the newest."""

    id: str
    timestamp: datetime
    data: DigestData
    type: Literal["digest"] = "digest"


def payload_of(letters: Sequence[Letter], public_url: str) -> Notification | Digest:
    """Return what is sent for these letters: one as itself, several as a digest."""
    notifications = [_notification(each, public_url) for each in letters]
    if len(notifications) == 1:
        return notifications[0]
    return Digest(
        id=message_id([each.key for each in letters], public_url),
        timestamp=max(each.timestamp for each in notifications),
        data=DigestData(notifications),
    )


def _notification(letter: Letter, public_url: str) -> Notification:
    kind, at = _kind_and_time(letter.news)
    return Notification(
        id=message_id([letter.key], public_url),
        type=kind,
        timestamp=at,
        data=_data(letter.news, public_url),
    )


def _kind_and_time(news: News) -> tuple[NotificationType, datetime]:
    match news:
        case IncidentNews(change="opened", incident=incident):
            return "incident.opened", incident.last_seen
        case IncidentNews(change="escalated", incident=incident):
            return "incident.escalated", incident.last_seen
        case IncidentNews(change="joined", incident=incident):
            return "incident.joined", incident.last_seen
        case IncidentNews(change="reminded" | "handed_on", incident=incident):
            return "incident.reminded", incident.last_seen
        case IncidentNews(change="suspect_reverted", incident=incident, fix=fix):
            return "incident.suspect_reverted", fix.deploy_time if fix else incident.last_seen
        case IncidentNews(change="fix_live", incident=incident, fix=fix):
            return "incident.fix_live", fix.deploy_time if fix else incident.last_seen
        case IncidentNews(incident=incident):
            return "incident.ended", news.ended_at or incident.last_seen
        case PushNews():
            return "deploy.pushed", news.window.deploy_time
        case VerdictNews():
            return "deploy.verdict", news.deploy_time
        case TroubleNews(change="opened"):
            return "trouble.opened", news.opened_at
        case TroubleNews():
            return "trouble.ended", news.closed_at or news.opened_at
        case CrashNews():
            return "crash", news.at
        case TestNews():
            return "test", news.asked_at
        case SuspectNews() | SummaryNews():
            raise OnlyForOnePerson


def _data(news: News, public_url: str) -> Data:
    match news:
        case IncidentNews():
            return _incident(news, public_url)
        case PushNews():
            return _push(news)
        case VerdictNews():
            return VerdictData(
                service=news.service,
                environment=news.environment,
                deploy_time=news.deploy_time,
                verdict=news.verdict,
                reasons=[_safe(each, LINE) for each in news.reasons],
                url=f"{public_url}/deploys",
            )
        case TroubleNews():
            return TroubleData(
                trouble_id=news.id,
                severity=news.severity,
                title=news.title,
                text=_safe(news.text, MESSAGE),
                advice=news.advice,
                opened_at=news.opened_at,
                ended_at=news.closed_at,
                url=f"{public_url}/troubles",
            )
        case CrashNews():
            return CrashData(news.error_type, _safe(news.message, MESSAGE))
        case TestNews():
            return TestData()
        case SuspectNews() | SummaryNews():
            raise OnlyForOnePerson


def _incident(news: IncidentNews, public_url: str) -> IncidentData:
    incident = news.incident
    route = route_of(incident)
    return IncidentData(
        incident_id=incident.incident_id,
        title=_safe(incident.title, LINE),
        service=incident.service,
        environment=incident.environment,
        severity=incident.severity,
        trigger=incident.trigger,
        priority_score=incident.priority_score,
        why=_safe(news.why, LINE),
        exception_type=_safe(incident.exception_type, LINE),
        message=_safe(incident.message, MESSAGE),
        start_time=incident.start_time,
        last_seen=incident.last_seen,
        event_count=incident.event_count,
        issue_count=incident.issue_count,
        release=incident.release,
        route=None if route is None else _safe(route, LINE),
        suspects=[_suspect(each) for each in incident.suspected_causes[:SUSPECTS]],
        new_errors=[_safe(each, LINE) for each in news.joined],
        ended_at=news.ended_at,
        end_reason=None if news.end_reason is None else _safe(news.end_reason, LINE),
        fix=None if news.fix is None else _fix(news.fix),
        url=f"{public_url}/incidents/{incident.incident_id}",
        source_url=_link(incident.links.get("source_url")),
    )


def _suspect(suspect: SuspectCommit) -> Suspect:
    return Suspect(
        commit_id=suspect.commit_id,
        subject=_safe(first_line(suspect.message), LINE),
        author=suspect.author,
        url=_link(suspect.url),
        confidence=suspect.confidence,
        evidence=[_safe(say(each), LINE) for each in suspect.evidence],
    )


def _fix(fix: Fix) -> FixData:
    return FixData(
        text=_safe(say_fix(fix), LINE),
        deploy_id=fix.deploy_id,
        deploy_time=fix.deploy_time,
        release=fix.release,
        suspect=None if fix.suspect is None else _named(fix.suspect),
        reverted_by=None if fix.reverted_by is None else _named(fix.reverted_by),
    )


def _named(commit: NamedCommit) -> CommitData:
    return CommitData(
        commit_id=commit.commit_id,
        subject=_safe(commit.subject, LINE),
        author=commit.author,
        url=_link(commit.url),
    )


def _push(news: PushNews) -> PushData:
    push = news.window.push
    commits = push.commits if push else []
    return PushData(
        title=_safe(news.title, LINE),
        services=push.services if push else [news.service],
        environment=news.environment,
        deploy_time=news.window.deploy_time,
        repository=push.repository if push else None,
        branch=push.branch if push else None,
        pushed_by=push.by if push else None,
        commit_count=len(commits) + (push.more if push else 0),
        commits=[_commit(each) for each in commits[-COMMITS:]],
        url=_link(push.url) if push else None,
    )


def _commit(commit: Commit) -> CommitData:
    return CommitData(
        commit_id=commit.id,
        subject=_safe(first_line(commit.message), LINE),
        author=commit.author,
        url=_link(commit.url),
    )


def _link(url: str | None) -> str | None:
    return None if url is None else without_secrets(url[:MESSAGE])


def _safe(text: str, limit: int) -> str:
    """Return `text` without secrets, at most `limit` characters of it."""
    return cut(without_secrets(text[: limit + _LONGEST_SECRET]), limit)
