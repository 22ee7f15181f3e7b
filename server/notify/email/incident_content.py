"""What a mail about an incident says, as blocks. Pure."""

from collections.abc import Sequence

import msgspec

from server.notify.email.addresses import incident_address, safe_address
from server.notify.email.blocks import (
    Address,
    Block,
    Calls,
    Content,
    Facts,
    Item,
    Items,
    Paragraph,
    Section,
)
from server.notify.email.sections import MAX_LINE, error_message, sentences
from server.notify.masking import masked_line, without_query_values
from server.notify.news import (
    IncidentNews,
    SuspectNews,
)
from server.storage.main.fixes import Fix, NamedCommit
from server.wording.changes import news_words
from server.wording.fixes import say_fix
from server.wording.formats import (
    counted,
    lasted,
    link_name,
    percent,
    place_of_frame,
    source_name,
    utc,
)
from server.wording.reasons import say, say_first_actions
from shared.event import Frame
from shared.incident import IncidentSummary, SuspectCommit
from shared.text import first_line

MOST_FRAMES = 20
"""The limit for each kind of frame; the page has all of them."""

MOST_SYMPTOMS = 10


def kicker_of(news: IncidentNews) -> str:
    """Return what happened, for the line above the title."""
    return "New incident" if news.change == "opened" else news_words(news.change)


def incident_content(news: IncidentNews, public_url: str) -> Content:
    """Return what is said of an incident that goes on."""
    incident = news.incident
    waited = [Section("Not acknowledged", [Paragraph(news.waited)])] if news.waited else []
    sections = [
        *waited,
        *_over(news),
        *_joined(news),
        error_message(incident.exception_type, incident.message),
        *([Section("Why you were notified", [Paragraph(news.why)])] if news.why else ()),
        Section("Where", [Facts(_where(incident))]),
    ]
    if incident.recommended_first_actions:
        actions = sentences(say_first_actions(incident))
        sections.append(Section("What to do first", [actions]))
    if incident.suspected_causes:
        suspects = [_suspect(each) for each in incident.suspected_causes]
        sections.append(Section("Suspect commits", [Items(suspects)]))
    if incident.stacktrace:
        sections.append(Section("Stack trace", _trace(incident.stacktrace)))
    if len(incident.top_symptoms) > 1:
        sections.append(_symptoms(incident))
    count = counted(incident)
    match news.change:
        case "escalated":
            preview = f"Got worse: now {incident.severity}{f', after {count}' if count else ''}. "
        case "reminded" | "handed_on":
            preview = f"{news.waited} "
        case "joined":
            preview = f"{'; '.join(news.joined)}. "
        case _:
            preview = ""
    return Content(
        subject=_subject(incident),
        preview=f"{preview}{incident.message}",
        kicker=kicker_of(news),
        tone=incident.severity,
        title=incident.title,
        labels=[incident.severity, incident.service, incident.environment],
        links=_links(incident, public_url),
        sections=sections,
    )


def _over(news: IncidentNews) -> list[Section]:
    """Return that it is over, if it was when people were told of it."""
    if news.ended_at is None:
        return []
    facts = [
        ("Ended", utc(news.ended_at)),
        ("Lasted", lasted(news.incident.start_time, news.ended_at)),
    ]
    return [Section("It is over", [Facts(facts)])]


def suspicion_content(news: SuspectNews, public_url: str) -> Content:
    """Return what the author of a suspect commit is told."""
    incident, suspect = news.incident, news.suspect
    opened = incident_content(
        IncidentNews(change="opened", incident=incident, why=news.why), public_url
    )
    commit = f"{suspect.commit_id[:10]} {masked_line(first_line(suspect.message), MAX_LINE)}"
    yours = Section("Your commit", [Items([_suspect(suspect)])])
    answer = Section("Is it the cause?", [Paragraph("Say so on the page of the incident.")])
    others = [each for each in opened.sections if each.title != "Suspect commits"]
    return msgspec.structs.replace(
        opened,
        subject=f"Your commit {commit} may have caused {incident.title}",
        preview=f"{percent(suspect.confidence)} confidence. {opened.preview}",
        kicker="Your commit is suspected",
        title=f"Your commit may have caused {incident.title}",
        sections=[yours, *others, answer],
    )


def ended_content(news: IncidentNews, public_url: str) -> Content:
    """Return what is said of an incident that has ended."""
    incident = news.incident
    pairs = [("Began", utc(incident.start_time))]
    span = ""
    if news.ended_at is not None:
        span = lasted(incident.start_time, news.ended_at)
        pairs += [("Ended", utc(news.ended_at)), ("Lasted", span)]
    pairs += [("Seen", counted(incident))]
    why = (news.end_reason or "It is over.").replace("_", " ")
    return Content(
        subject=_subject(incident),
        preview=f"Ended{f' after {span}' if span else ''}: {why}",
        kicker=kicker_of(news),
        tone="good",
        title=incident.title,
        labels=[incident.service, incident.environment],
        links=_links(incident, public_url),
        sections=[
            Section("Why it ended", [Paragraph(why[:1].upper() + why[1:])]),
            *_joined(news),
            Section("When", [Facts([pair for pair in pairs if pair[1]])]),
            error_message(incident.exception_type, incident.message),
        ],
    )


def fixed_content(news: IncidentNews, fix: Fix, public_url: str) -> Content:
    """Return what is said of a deploy that did something about an incident."""
    incident = news.incident
    said = say_fix(fix)
    commits = [_named(each) for each in (fix.reverted_by, fix.suspect) if each is not None]
    pairs = [("Began", utc(incident.start_time)), ("Deployed", utc(fix.deploy_time))]
    if news.ended_at is not None:
        pairs.append(("Ended", utc(news.ended_at)))
    return Content(
        subject=_subject(incident),
        preview=said,
        kicker=kicker_of(news),
        tone="good",
        title=incident.title,
        labels=[incident.service, incident.environment],
        links=_links(incident, public_url),
        sections=[
            Section(kicker_of(news), [Paragraph(said)]),
            *([Section("Commits", [Items(commits)])] if commits else []),
            Section("When", [Facts(pairs)]),
            error_message(incident.exception_type, incident.message),
        ],
    )


def _named(commit: NamedCommit) -> Item:
    return Item(
        title=masked_line(commit.subject, MAX_LINE),
        code=commit.commit_id[:10],
        about=commit.author or "",
        url=safe_address(commit.url),
    )


def _joined(news: IncidentNews) -> list[Section]:
    return [Section("New errors in it", [sentences(news.joined)])] if news.joined else []


def _subject(incident: IncidentSummary) -> str:
    # Mail programs leave out what is in brackets when they compare subjects.
    where = f"{incident.service}/{incident.environment}"
    return f"{incident.severity.capitalize()} in {where}: {incident.title}"


def _where(incident: IncidentSummary) -> list[tuple[str, str]]:
    frame = next(
        (each for each in incident.stacktrace if each.in_app is not False),
        incident.stacktrace[0] if incident.stacktrace else None,
    )
    request = incident.request_url
    pairs = [
        ("Route", incident.api_route),
        ("Request", None if request is None else without_query_values(request)),
        ("File", frame.file or frame.module if frame else None),
        ("Function", frame.function if frame else None),
        ("Line", str(frame.line) if frame and frame.line else None),
        ("Service", incident.service),
        ("Environment", incident.environment),
        ("Severity", incident.severity),
        ("Trigger", incident.trigger.replace("_", " ")),
        ("Alert rule", incident.alert_rule),
        ("Release", incident.release),
        ("Source", source_name(incident.source)),
        ("Began", utc(incident.start_time)),
        ("Last seen", utc(incident.last_seen)),
        ("Seen", counted(incident)),
    ]
    return [(name, value) for name, value in pairs if value]


def _links(incident: IncidentSummary, public_url: str) -> list[tuple[str, Address]]:
    links = [("Open in PushLog", incident_address(incident.incident_id, public_url))]
    source = safe_address(incident.links.get("source_url"))
    if source is not None:
        links.append((link_name("source_url", incident.source), source))
    return links


def _suspect(suspect: SuspectCommit) -> Item:
    about = [f"{percent(suspect.confidence)} confidence"]
    if suspect.author:
        about.append(suspect.author)
    if suspect.deploy_time is not None:
        arrived = "taken away" if suspect.taken_away else "deployed"
        about.append(f"{arrived} {utc(suspect.deploy_time)}")
    return Item(
        title=masked_line(first_line(suspect.message), MAX_LINE),
        code=suspect.commit_id[:10],
        about=" · ".join(about),
        notes=[say(each) for each in suspect.evidence],
        url=safe_address(suspect.url),
    )


def _trace(frames: Sequence[Frame]) -> list[Block]:
    """Show our own code first, because people look there; the frames of libraries come after it."""
    ours = [each for each in frames if each.in_app is not False]
    libraries = [each for each in frames if each.in_app is False]
    blocks: list[Block] = []
    for some, is_ours in ((ours, True), (libraries, False)):
        if not some:
            continue
        if not is_ours:
            blocks.append(Paragraph("In libraries:" if ours else "All frames are in libraries:"))
        calls = [(each.function or "", place_of_frame(each)) for each in some[:MOST_FRAMES]]
        blocks.append(Calls(calls, is_ours))
        if len(some) > MOST_FRAMES:
            blocks.append(Paragraph(f"and {len(some) - MOST_FRAMES} more on the incident page."))
    return blocks


def _symptoms(incident: IncidentSummary) -> Section:
    shown = incident.top_symptoms[:MOST_SYMPTOMS]
    items = [
        Item(
            title=masked_line(f"{each.exception_type}: {each.message}", MAX_LINE),
            about=f"seen {each.count:,} {'time' if each.count == 1 else 'times'}",
        )
        for each in shown
    ]
    blocks: list[Block] = [Items(items)]
    if incident.issue_count > len(shown):
        blocks.append(
            Paragraph(f"and {incident.issue_count - len(shown)} more on the incident page.")
        )
    return Section(f"Symptoms: {incident.issue_count} issues", blocks)
