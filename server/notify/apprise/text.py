"""Say news in a few lines of plain text that any service can show. Pure."""

from collections.abc import Sequence

import msgspec

from server.notify.channel import Letter
from server.notify.masking import cut, masked_line
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
from server.process.apprise_library import Tone
from server.wording.changes import did_words
from server.wording.deploys import say_verdict
from server.wording.fixes import say_fix
from server.wording.reasons import say
from shared.event import Severity
from shared.incident import SuspectCommit
from shared.text import first_line

TITLE = 120
LINE = 300
_DIGEST_LINE = 160

_TONE: dict[Severity, Tone] = {"critical": "failure", "error": "failure", "warning": "warning"}


class PlainText(msgspec.Struct, frozen=True):
    """A message."""

    title: str
    body: str
    tone: Tone


def text_of(letters: Sequence[Letter], public_url: str, limit: int) -> PlainText:
    """Return what is said of these letters; title and body together have at most `limit` letters.

    Several are a line each, as many as there is room for, and then how many more there are.
    """
    if len(letters) > 1:
        return _digest(letters, public_url, limit)
    news = letters[0].news
    title = masked_line(_title(news), min(TITLE, limit))
    lines = [masked_line(each, LINE) for each in _lines(news)]
    url = _url(news, public_url)
    body = "\n".join(each for each in lines if each)
    # The link is what must not be cut.
    room = limit - len(title) - len(url) - 2
    body = f"{cut(body, room)}\n{url}" if room > 0 else url
    return PlainText(title, body.strip(), _tone(news))


def _digest(letters: Sequence[Letter], public_url: str, limit: int) -> PlainText:
    title = masked_line(f"PushLog: {len(letters)} notifications at once", min(TITLE, limit))
    lines = [masked_line(_title(each.news), _DIGEST_LINE) for each in letters]
    room = limit - len(title) - 1
    shown = len(lines)
    while True:
        left = len(lines) - shown
        more = [f"and {left} more"] if left else []
        body = "\n".join([*lines[:shown], *more, f"{public_url}/incidents"])
        if len(body) <= room or shown == 0:
            break
        shown -= 1
    bad = any(_tone(each.news) == "failure" for each in letters)
    return PlainText(title, body, "failure" if bad else "warning")


def _title(news: News) -> str:
    match news:
        case IncidentNews(incident=incident):
            where = f"{incident.service}/{incident.environment}"
            return f"{incident.severity} {did_words(news.change)} in {where}: {incident.title}"
        case PushNews():
            return f"{news.title} ({news.service}/{news.environment})"
        case VerdictNews():
            return say_verdict(news.service, news.environment, news.verdict)
        case CrashNews():
            return f"PushLog failed: {news.error_type}"
        case TroubleNews(change="ended"):
            return f"PushLog is well again: over is “{news.title}”"
        case TroubleNews():
            return f"PushLog needs help: {news.title}"
        case TestNews():
            return "This is a test of PushLog"
        case SuspectNews() | SummaryNews():
            raise OnlyForOnePerson


def _lines(news: News) -> list[str]:
    match news:
        case IncidentNews(change="ended"):
            return [f"Ended: {news.end_reason or 'it is over'}", *_new_errors(news)]
        case IncidentNews(fix=fix) if fix is not None:
            return [say_fix(fix)]
        case IncidentNews(change="joined"):
            return _new_errors(news)
        case IncidentNews(incident=incident):
            suspects = incident.suspected_causes
            return [
                news.waited,
                news.why,
                f"{incident.event_count:,} events" if incident.event_count > 1 else "",
                _suspect(suspects[0]) if suspects else "",
                *_new_errors(news),
            ]
        case PushNews():
            push = news.window.push
            return [f"{push.repository}, branch {push.branch}"] if push else []
        case VerdictNews():
            return ["; ".join(news.reasons)]
        case TroubleNews():
            return [news.text, news.advice]
        case CrashNews():
            return [news.message]
        case TestNews():
            return ["PushLog can send messages here."]
        case SuspectNews() | SummaryNews():
            raise OnlyForOnePerson


def _new_errors(news: IncidentNews) -> list[str]:
    return ["New errors in it:", *news.joined] if news.joined else []


def _suspect(suspect: SuspectCommit) -> str:
    author = f" by {suspect.author}" if suspect.author else ""
    evidence = f": {say(suspect.evidence[0])}" if suspect.evidence else ""
    subject = first_line(suspect.message)
    return (
        f"Suspect: {suspect.commit_id[:10]} {subject}{author} ({suspect.confidence:.0%}){evidence}"
    )


def _url(news: News, public_url: str) -> str:
    match news:
        case IncidentNews(incident=incident):
            return f"{public_url}/incidents/{incident.incident_id}"
        case PushNews() | VerdictNews():
            return f"{public_url}/deploys"
        case TroubleNews():
            return f"{public_url}/troubles"
    return public_url


def _tone(news: News) -> Tone:
    match news:
        case IncidentNews(change="ended" | "suspect_reverted" | "fix_live"):
            return "success"
        case TroubleNews(change="ended"):
            return "success"
        case IncidentNews(incident=incident):
            return _TONE[incident.severity]
        case TroubleNews():
            return _TONE[news.severity]
        case VerdictNews(verdict="faulty") | CrashNews():
            return "failure"
        case VerdictNews(verdict="suspect"):
            return "warning"
    return "info"
