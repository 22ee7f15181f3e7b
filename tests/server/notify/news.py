"""Valid news to start a test from."""

from typing import Any

from server.notify.news import IncidentNews, PushNews, TroubleNews, VerdictNews
from server.storage.main.fixes import Fix, NamedCommit
from shared.event import Push
from shared.incident import IncidentSummary, SuspectCommit, Symptom
from tests.builders import at, change_window, commit, frame


def incident(number: int = 1, **changes: Any) -> IncidentSummary:
    """An incident of the service `shop` in production."""
    fields: dict[str, Any] = {
        "incident_id": f"inc-{number:016x}",
        "title": "ValueError: price is negative",
        "source": "sentry",
        "service": "shop",
        "environment": "production",
        "severity": "error",
        "priority_score": 60,
        "trigger": "new_issue",
        "trigger_numbers": {"environment": "production"},
        "exception_type": "ValueError",
        "message": "price is negative",
        "start_time": at(0),
        "last_seen": at(5),
        "peak_time": at(0),
        "top_symptoms": [Symptom("f1", "ValueError", "price is negative", 5)],
        "suspected_causes": [
            SuspectCommit(
                "a1b2c3d4", 0.9, 0.8, ["changes total in shop/cart.py"], "Ada", "Round prices"
            )
        ],
        "stacktrace": [frame()],
        "links": {"source_url": "https://sentry.example/issues/1/"},
    }
    return IncidentSummary(**(fields | changes))


def opened(number: int = 1, **changes: Any) -> IncidentNews:
    """That it opened."""
    why = "This error has never been seen before in production."
    return IncidentNews(change="opened", incident=incident(number, **changes), why=why)


def escalated(number: int = 1, **changes: Any) -> IncidentNews:
    """That it got worse."""
    fields: dict[str, Any] = {"severity": "critical", "event_count": 1234}
    return IncidentNews(change="escalated", incident=incident(number, **(fields | changes)))


def ended(number: int = 1, **changes: Any) -> IncidentNews:
    """That it is over."""
    return IncidentNews(
        change="ended",
        incident=incident(number, **changes),
        ended_at=at(3600),
        end_reason="the rate is back at its usual",
    )


def suspect_reverted(number: int = 1, **changes: Any) -> IncidentNews:
    """That a deploy reverts its suspect."""
    suspect = NamedCommit("a1b2c3d4", "Round prices", "Ada")
    by = NamedCommit("e5f6a7b8", 'Revert "Round prices"', "Bob", "https://git.example/e5f6a7b8")
    fix = Fix(deploy_id="e5f6a7b8", deploy_time=at(600), suspect=suspect, reverted_by=by)
    return IncidentNews(
        change="suspect_reverted", incident=incident(number, **changes), why="It is new.", fix=fix
    )


def fix_live(number: int = 1, **changes: Any) -> IncidentNews:
    """That a deploy brings the fix of its only issue."""
    fix = Fix(deploy_id="d2", deploy_time=at(600), release="shop@2.3.1", issues=1, of_issues=1)
    return IncidentNews(
        change="fix_live", incident=incident(number, **changes), why="It is new.", fix=fix
    )


def push(**changes: Any) -> Push:
    """Ada pushed one commit to main."""
    fields: dict[str, Any] = {
        "title": "Push of 1 commit to main by ada",
        "branch": "main",
        "by": "ada",
        "repository": "acme/shop",
        "services": ["shop"],
        "commits": [commit(files=[], url="https://github.com/acme/shop/commit/a1b2c3d4")],
        "url": "https://github.com/acme/shop/compare/0000...a1b2",
    }
    return Push(**(fields | changes))


def push_news(seconds: float = 0, **changes: Any) -> PushNews:
    """What is told of such a push."""
    told = push(**changes)
    window = change_window(seconds, commits=[], push=told)
    return PushNews(
        service=told.services[0],
        environment="production",
        title=told.title,
        window=window,
        links={"source_url": told.url or ""},
    )


def verdict_news(seconds: float = 0, **changes: Any) -> VerdictNews:
    """That the deploy of that push is faulty."""
    fields: dict[str, Any] = {
        "service": "shop",
        "environment": "production",
        "deploy_time": at(seconds),
        "verdict": "faulty",
        "reasons": ["2 issues that were never seen before"],
    }
    return VerdictNews(**(fields | changes))


def trouble_news(*, over: bool = False) -> TroubleNews:
    """That mails are not delivered, or are again."""
    return TroubleNews(
        id=7,
        change="ended" if over else "opened",
        severity="error",
        title="Mails are not delivered",
        text="ada@acme.example: no <such> user",
        advice="" if over else "Correct the address.",
        opened_at=at(0),
        closed_at=at(3600) if over else None,
    )
