"""Show each piece of news in Slack. Pure, and always within Slack's limits.

A section takes 3,000 characters. A message takes 50 blocks and about 13,200 characters in all;
Slack refuses the whole of a message that is over.
"""

from collections.abc import Sequence

import msgspec

from server.notify.channel import Letter
from server.notify.masking import route_of
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
from server.notify.slack.buttons import buttons_for, buttons_for_author
from server.notify.slack.text import code, escaped, escaped_line, link, moment, plain
from server.storage.main.fixes import Fix
from server.wording.changes import news_words
from server.wording.deploys import say_verdict
from server.wording.fixes import say_fix, say_live
from server.wording.formats import lasted, source_name
from server.wording.reasons import say, say_first_actions
from shared.event import Commit, Frame
from shared.incident import SuspectCommit
from shared.text import first_line

Block = dict[str, object]

SECTION = 3000
HEADER = 150
FALLBACK = 1000
MESSAGE_SHOWN = 1200
FRAMES_SHOWN = 6
SUSPECTS_SHOWN = 3
SYMPTOMS_SHOWN = 5
COMMITS_SHOWN = 10
DIGEST_LINE = 260
_BLOCK_ID = 255

_SEVERITY = {"critical": "🔴", "error": "🟠", "warning": "🟡"}
_VERDICT = {
    "clean": "✅ clean",
    "suspect": "⚠️ suspect",
    "faulty": "🔴 faulty",
    "too_little_data": "too few events to tell",
}


class SlackText(msgspec.Struct, frozen=True):
    """A message: `text` is what notifications and screen readers say about it."""

    text: str
    blocks: list[Block]


def render(said: Sequence[News], key: str, public_url: str, *, buttons: bool) -> SlackText:
    """Return the message that says all of `said`: one piece of news, and after a push its verdicts.

    It contains `key`, so that a repeated delivery can be recognised. With `buttons`, an incident
    has those for what can be done with it now.
    """
    match said[0]:
        case IncidentNews() as news:
            blocks = _incident(news, public_url, buttons=buttons)
        case SuspectNews() as news:
            blocks = _suspicion(news, public_url, buttons=buttons)
        case PushNews() as news:
            verdicts = [each for each in said[1:] if isinstance(each, VerdictNews)]
            blocks = _push(news, verdicts)
        case VerdictNews() as news:
            blocks = [_section(_verdict_line(news))]
        case CrashNews() as news:
            blocks = [
                _header("PushLog failed"),
                _section(f"*{escaped_line(news.error_type, 200)}*"),
                _section(f"*Error message*\n{code(news.message, MESSAGE_SHOWN)}"),
            ]
        case TroubleNews() as news:
            blocks = _trouble(news, public_url)
        case TestNews():
            blocks = [_section("This is a test: PushLog can post here.")]
        case SummaryNews():
            raise OnlyForOnePerson
    blocks[-1]["block_id"] = key[:_BLOCK_ID]
    return SlackText(line_of(said[-1], FALLBACK), blocks)


def render_digest(letters: Sequence[Letter], public_url: str) -> SlackText:
    """Return a line for each letter that was held back while there was too much at once."""
    head = f"{len(letters)} notifications in one message"
    sections: list[str] = []
    for letter in letters:
        line = f"• {_linked_line(letter.news, public_url)}"
        if sections and len(sections[-1]) + 1 + len(line) <= SECTION:
            sections[-1] += f"\n{line}"
        else:
            sections.append(line)
    blocks = [_header(head), *(_section(each) for each in sections)]
    blocks[-1]["block_id"] = letters[0].key[:_BLOCK_ID]
    return SlackText(head, blocks)


def line_of(news: News, limit: int) -> str:
    """Return all of the news on one line."""
    return escaped_line(_line(news), limit)


def reply_to(news: News) -> str | None:
    """Return what is said in the thread of the edited message, or None if the edit is enough."""
    match news:
        case IncidentNews(change="opened"):
            return None
        case IncidentNews(change="reminded" | "handed_on"):
            return f"*Not acknowledged*: {escaped_line(news.waited, 300)}"
        case IncidentNews(change="joined"):
            return _new_errors(news.joined)
        case IncidentNews(change="escalated", incident=incident):
            events = f"{incident.event_count:,} events"
            worse = f"*Got worse*: now {incident.severity}, after {events}."
            return "\n".join([worse, *([_new_errors(news.joined)] if news.joined else ())])
        case IncidentNews(change="suspect_reverted" | "fix_live", fix=fix) if fix is not None:
            return _fix(fix)
        case IncidentNews():
            over = f"*Ended*: {escaped_line(news.end_reason or 'it is over', 500)}."
            return "\n".join([over, *([_new_errors(news.joined)] if news.joined else ())])
        case VerdictNews(verdict="faulty" | "suspect"):
            return _verdict_line(news)
        case TroubleNews(change="ended"):
            return "*Over*: PushLog is well again."
        case _:
            return None


def _line(news: News) -> str:
    match news:
        case IncidentNews(incident=incident):
            where = f"{incident.service}/{incident.environment}"
            return f"{_changed(news)}: {incident.title} ({where}, {incident.severity})"
        case SuspectNews(incident=incident, suspect=suspect):
            commit = f"{suspect.commit_id[:10]} {first_line(suspect.message)}"
            return f"Your commit {commit} may have caused {incident.title}"
        case PushNews():
            pushed = news.window.push
            return f"{news.title} ({pushed.repository if pushed else news.service})"
        case VerdictNews():
            return say_verdict(news.service, news.environment, news.verdict)
        case CrashNews():
            return f"PushLog failed: {news.error_type}: {news.message}"
        case TroubleNews(change="ended"):
            return f"PushLog is well again: over is “{news.title}”"
        case TroubleNews():
            return f"PushLog needs help: {news.title}: {news.text}"
        case TestNews():
            return "This is a test of PushLog"
        case SummaryNews():
            raise OnlyForOnePerson


def _changed(news: IncidentNews) -> str:
    if news.change in ("reminded", "handed_on") and news.acknowledged_by is not None:
        return "acknowledged"
    return news_words(news.change).lower()


def _incident(news: IncidentNews, public_url: str, *, buttons: bool) -> list[Block]:
    incident = news.incident
    mark = "✅" if news.is_over else _SEVERITY[incident.severity]
    blocks = [
        _header(f"{mark} {incident.title}"),
        _fields(
            {
                "Service": escaped_line(incident.service, 300),
                "Environment": escaped_line(incident.environment, 300),
                "Severity": incident.severity,
                "Trigger": incident.trigger.replace("_", " "),
                "State": escaped_line(_state(news), 300),
                "Events": f"{incident.event_count:,}, last seen {moment(incident.last_seen)}",
            }
        ),
        _section(f"*Error message*\n{code(incident.message, MESSAGE_SHOWN)}"),
    ]
    if news.waited and news.acknowledged_by is None and not news.is_over:
        blocks.append(_section(f"*Not acknowledged*\n{escaped_line(news.waited, 300)}"))
    if news.joined and news.change == "joined":
        blocks.append(_section(_new_errors(news.joined)))
    if news.fix is not None:
        blocks.append(_section(_fix(news.fix)))
    if news.why:
        blocks.append(_section(f"*Why*\n{escaped(news.why, 800)}"))
    where = route_of(incident)
    if where:
        blocks.append(_section(f"*Route*\n{escaped_line(where, 300)}"))
    frames = [frame for frame in incident.stacktrace if frame.in_app] or incident.stacktrace
    if frames:
        lines = "\n".join(_frame_line(frame) for frame in frames[:FRAMES_SHOWN])
        blocks.append(_section(f"*Stack trace*\n{code(lines, 1500)}"))
    if incident.suspected_causes:
        shown = incident.suspected_causes[:SUSPECTS_SHOWN]
        blocks.append(_list("*Suspect commits*", [_suspect_line(each) for each in shown]))
    if len(incident.top_symptoms) > 1:
        symptoms = [
            f"{escaped_line(f'{each.exception_type}: {each.message}', 200)} ({each.count:,})"
            for each in incident.top_symptoms[:SYMPTOMS_SHOWN]
        ]
        blocks.append(_list(f"*{incident.issue_count} issues*", symptoms))
    if buttons and (row := buttons_for(news)) is not None:
        blocks.append(row)
    links = [link(f"{public_url}/incidents/{incident.incident_id}", "Open in PushLog", 100)]
    if "source_url" in incident.links:
        name = source_name(incident.source)
        links.append(link(incident.links["source_url"], f"Open in {name}", 100))
    blocks.append(_context(" · ".join([*links, incident.incident_id])))
    return blocks


def _suspicion(news: SuspectNews, public_url: str, *, buttons: bool) -> list[Block]:
    incident = news.incident
    where = f"{incident.service} in {incident.environment}, {incident.severity}"
    blocks = [
        _header("Your commit is suspected"),
        _section(
            f"*{escaped_line(incident.title, 300)}*\n{escaped_line(where, 400)}\n"
            f"{_suspect_line(news.suspect)}"
        ),
        _section(f"*Error message*\n{code(incident.message, MESSAGE_SHOWN)}"),
    ]
    actions = [escaped_line(each, 300) for each in say_first_actions(incident)]
    if actions:
        blocks.append(_list("*What to check*", actions))
    if buttons:
        blocks.append(buttons_for_author(news))
    page = link(f"{public_url}/incidents/{incident.incident_id}", "Open in PushLog", 100)
    blocks.append(_context(f"{page} · {incident.incident_id}"))
    return blocks


def _push(news: PushNews, verdicts: Sequence[VerdictNews]) -> list[Block]:
    push = news.window.push
    if push is None:
        return [_section(escaped_line(news.title, 500))]
    shown = push.commits[-COMMITS_SHOWN:]
    older = push.more + len(push.commits) - len(shown)
    where = f"{push.repository}, branch {push.branch}"
    deployed = f"Deploys {', '.join(push.services)} to {news.environment}"
    blocks = [_section(f"*{link(push.url, push.title, 500)}*\n{escaped_line(where, 400)}")]
    if shown:
        head = f"*Newest of {len(shown) + older:,} commits*" if older else "*Commits*"
        blocks.append(_list(head, [_commit_line(each) for each in reversed(shown)]))
    blocks += [_section(_verdict_line(each)) for each in verdicts[:10]]
    blocks.append(_context(escaped_line(deployed, 500)))
    return blocks


def _trouble(news: TroubleNews, public_url: str) -> list[Block]:
    if news.closed_at is not None:
        mark, state = "✅", f"Over after {lasted(news.opened_at, news.closed_at)}"
    else:
        mark, state = _SEVERITY[news.severity], f"Since {moment(news.opened_at)}"
    blocks = [
        _header(f"{mark} PushLog: {news.title}"),
        _section(escaped(news.text, MESSAGE_SHOWN)),
    ]
    if news.advice:
        blocks.append(_section(f"*What to do*\n{escaped(news.advice, 800)}"))
    blocks.append(_context(f"{state} · {link(f'{public_url}/troubles', 'Open in PushLog', 100)}"))
    return blocks


def _state(news: IncidentNews) -> str:
    if news.is_over:
        return f"ended: {news.end_reason}" if news.end_reason else "ended"
    state = "open, got worse" if news.change == "escalated" else "open"
    return f"{state}, acknowledged by {news.acknowledged_by}" if news.acknowledged_by else state


def _linked_line(news: News, public_url: str) -> str:
    if isinstance(news, IncidentNews):
        url = f"{public_url}/incidents/{news.incident.incident_id}"
        return link(url, _line(news), DIGEST_LINE - 100)
    return line_of(news, DIGEST_LINE)


def _new_errors(names: Sequence[str]) -> str:
    return "\n".join(["*New errors in it*", *(f"• {escaped_line(each, 240)}" for each in names)])


def _fix(fix: Fix) -> str:
    if fix.suspect is None:
        head, rest = say_live(fix)
        return f"*{head}*: {escaped_line(rest, 500)}"
    said = f"*Suspect reverted*: {escaped_line(say_fix(fix), 500)}"
    if fix.reverted_by is None or fix.reverted_by.url is None:
        return said
    return f"{said} {link(fix.reverted_by.url, 'Show it', 20)}"


def _frame_line(frame: Frame) -> str:
    place = frame.file or frame.module or ""
    line = f":{frame.line}" if place and frame.line else ""
    return plain(f"{frame.function or '?'} ({place}{line})", 200)


def _suspect_line(suspect: SuspectCommit) -> str:
    name = link(suspect.url, suspect.commit_id[:10], 20)
    subject = escaped_line(first_line(suspect.message), 120)
    author = f", {escaped_line(suspect.author, 60)}" if suspect.author else ""
    evidence = escaped_line("; ".join(map(say, suspect.evidence)), 300)
    return f"{name} {subject}{author} ({suspect.confidence:.0%}): {evidence}"


def _commit_line(commit: Commit) -> str:
    subject = escaped_line(first_line(commit.message), 120)
    author = f" ({escaped_line(commit.author, 60)})" if commit.author else ""
    return f"{link(commit.url, commit.id[:10], 20)} {subject}{author}"


def _verdict_line(news: VerdictNews) -> str:
    reasons = escaped_line("; ".join(news.reasons), 500)
    where = escaped_line(f"{news.service} in {news.environment}", 200)
    return f"*{where}*: {_VERDICT[news.verdict]}{f': {reasons}' if reasons else ''}"


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": plain(text, HEADER)}}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _list(head: str, lines: Sequence[str]) -> Block:
    """Return as many of the lines as a section takes."""
    text = head
    for line in lines:
        if len(text) + len(line) + 3 > SECTION:
            break
        text += f"\n• {line}"
    return _section(text)


def _fields(values: dict[str, str]) -> Block:
    """Return names beside their values, which are escaped and cut already."""
    return {
        "type": "section",
        "fields": [
            {"type": "mrkdwn", "text": f"*{name}*\n{value or '-'}"}
            for name, value in values.items()
        ],
    }


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}
