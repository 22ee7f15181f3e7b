"""What a mail says, as blocks. Pure. One function for each kind of news."""

from collections.abc import Sequence

from server.notify.email.addresses import safe_address
from server.notify.email.blocks import (
    Address,
    Content,
    Facts,
    Item,
    Items,
    Paragraph,
    Section,
    Tone,
    Verbatim,
)
from server.notify.email.incident_content import (
    ended_content,
    fixed_content,
    incident_content,
    suspicion_content,
)
from server.notify.email.sections import LONGEST_MESSAGE, MAX_LINE, error_message, sentences
from server.notify.email.summary_content import summary_content
from server.notify.masking import masked_line
from server.notify.news import (
    CrashNews,
    IncidentNews,
    News,
    PushNews,
    SummaryNews,
    SuspectNews,
    TestNews,
    TroubleNews,
    VerdictNews,
)
from server.wording.deploys import say_verdict
from server.wording.formats import (
    lasted,
    link_name,
    utc,
)
from shared.event import Commit
from shared.incident import Verdict
from shared.text import first_line

_VERDICT_TONES: dict[Verdict, Tone] = {
    "faulty": "error",
    "suspect": "warning",
    "clean": "good",
    "too_little_data": "plain",
}


def content_of(news: News, public_url: str) -> Content:
    """Return the content of a mail about this one piece of news."""
    match news:
        case IncidentNews(change="ended"):
            return ended_content(news, public_url)
        case IncidentNews(fix=fix) if fix is not None:
            return fixed_content(news, fix, public_url)
        case IncidentNews():
            return incident_content(news, public_url)
        case SuspectNews():
            return suspicion_content(news, public_url)
        case SummaryNews():
            return summary_content(news, public_url)
        case PushNews():
            return _push(news)
        case VerdictNews():
            return _verdict(news)
        case CrashNews():
            return _crash(news, public_url)
        case TroubleNews():
            return _trouble(news, public_url)
        case TestNews():
            return _test(news, public_url)


def _push(news: PushNews) -> Content:
    push = news.window.push
    pairs = [("Service", news.service), ("Environment", news.environment)]
    commits: Sequence[Commit] = news.window.commits
    if push is not None:
        pairs += [("Repository", push.repository), ("Branch", push.branch), ("By", push.by)]
        commits = push.commits
    sections = [Section("Where", [Facts([*pairs, ("Deployed", utc(news.window.deploy_time))])])]
    if commits:
        sections.append(Section("Commits", [Items([_commit(each) for each in commits])]))
    links = [(link_name(name, "github"), safe_address(url)) for name, url in news.links.items()]
    subjects = [masked_line(first_line(each.message), MAX_LINE) for each in commits]
    return Content(
        subject=f"{news.service}/{news.environment}: {news.title}",
        preview=", ".join(subjects) or news.title,
        kicker="Push",
        tone="plain",
        title=news.title,
        labels=[news.service, news.environment],
        links=[(label, url) for label, url in links if url is not None],
        sections=sections,
    )


def _verdict(news: VerdictNews) -> Content:
    verdict = news.verdict.replace("_", " ")
    title = say_verdict(news.service, news.environment, news.verdict)
    pairs = [
        ("Service", news.service),
        ("Environment", news.environment),
        ("Deployed", utc(news.deploy_time)),
    ]
    reasons = [Section("Why", [sentences(news.reasons)])]
    return Content(
        subject=f"{news.service}/{news.environment}: deploy {verdict}",
        preview="; ".join(news.reasons) or title,
        kicker="Deploy verdict",
        tone=_VERDICT_TONES[news.verdict],
        title=title,
        labels=[news.service, news.environment],
        sections=[*(reasons if news.reasons else ()), Section("Where", [Facts(pairs)])],
    )


def _crash(news: CrashNews, public_url: str) -> Content:
    message = news.message.strip() or "no message"
    sections = [
        error_message(news.error_type, message),
        Section("When", [Facts([("At", utc(news.at)), ("Installation", public_url)])]),
    ]
    if news.traceback.strip():
        sections.append(Section("Stack trace", [Verbatim(_end_of(news.traceback))]))
    sections.append(
        Section(
            "What now",
            [
                Paragraph(
                    "Accepted events are on disk and are not lost. The log shows what happened "
                    "before. PushLog does not mail the same cause again within ten minutes."
                )
            ],
        )
    )
    return Content(
        subject=f"[PushLog] {news.error_type}: {message}",
        preview=f"PushLog itself failed: {message}",
        kicker="PushLog itself failed",
        tone="critical",
        title=f"{news.error_type}: {masked_line(first_line(message), MAX_LINE)}",
        labels=["PushLog"],
        links=[("Open PushLog", Address(f"{public_url}/"))],
        sections=sections,
    )


def _trouble(news: TroubleNews, public_url: str) -> Content:
    since = [("Since", utc(news.opened_at))]
    over = news.closed_at is not None
    if news.closed_at is not None:
        since = [
            ("Began", utc(news.opened_at)),
            ("Ended", utc(news.closed_at)),
            ("Lasted", lasted(news.opened_at, news.closed_at)),
        ]
    sections = [
        Section("What was wrong" if over else "What is wrong", [Paragraph(news.text)]),
        Section("When", [Facts([*since, ("Installation", public_url)])]),
    ]
    if news.advice:
        sections.insert(1, Section("What to do", [Paragraph(news.advice)]))
    return Content(
        subject=f"[PushLog] {'Over: ' if over else ''}{news.title}",
        preview=news.text,
        kicker="PushLog is well again" if over else "PushLog needs help",
        tone="good" if over else news.severity,
        title=news.title,
        links=[("Open in PushLog", Address(f"{public_url}/troubles"))],
        sections=sections,
    )


def _test(news: TestNews, public_url: str) -> Content:
    return Content(
        subject="[PushLog] Test: mail arrives",
        preview="Someone sent this mail to check that mail from PushLog arrives.",
        kicker="Test",
        tone="good",
        title="Mail from PushLog arrives here",
        links=[("Open PushLog", Address(f"{public_url}/"))],
        sections=[
            Section(
                "What this is",
                [
                    Paragraph(
                        "Someone sent this mail to check that mail from PushLog arrives. "
                        "It does. You do not need to do anything."
                    ),
                    Facts([("Requested", utc(news.asked_at)), ("Installation", public_url)]),
                ],
            )
        ],
    )


def _commit(commit: Commit) -> Item:
    return Item(
        title=masked_line(first_line(commit.message or ""), MAX_LINE),
        code=commit.id[:10],
        about=commit.author or "",
        url=safe_address(commit.url),
    )


def _end_of(traceback: str) -> str:
    """Return the end of a traceback, which says what failed.

    With a deep recursion, thousands of lines come before it.
    """
    text = traceback.strip("\n")
    return text if len(text) <= LONGEST_MESSAGE else f"…\n{text[-LONGEST_MESSAGE:]}"
