"""What the mail of a summary says, as blocks. Pure. It is short: a line for each thing."""

from collections.abc import Mapping, Sequence

from server.notify.email.addresses import deploy_address, incident_address
from server.notify.email.blocks import (
    Address,
    Block,
    Content,
    Facts,
    Line,
    Lines,
    Paragraph,
    Section,
)
from server.notify.masking import masked_line
from server.notify.news import SummaryNews
from server.storage.main.deploy_list import Standing
from server.storage.main.people import Interval
from server.storage.main.summaries import FaultyDeploy, SummedIncident
from server.wording.formats import lasted, percent, utc

MAX_TITLE = 120
MAX_REASON = 100

_SPANS: Mapping[Interval, str] = {"daily": "day", "weekly": "week"}
_STANDINGS: Mapping[Standing, str] = {
    "clean": "clean",
    "suspect": "suspect",
    "faulty": "faulty",
    "too_little_data": "with too little data",
    "watching": "without a verdict yet",
}


def summary_content(news: SummaryNews, public_url: str) -> Content:
    """Return the content of the mail."""
    title = f"Your {_SPANS[news.interval]} with PushLog: {_in_short(news)}"
    sections = [] if news.summary.is_empty else _sections(news, public_url)
    return Content(
        subject=title,
        preview=_sentence(news),
        kicker=f"{news.interval.capitalize()} summary",
        tone="good" if news.summary.is_empty else "plain",
        title=title,
        links=[("Open PushLog", Address(f"{public_url}/incidents"))],
        sections=[*sections, _about(news)],
        because=f"you chose a {news.interval} summary",
    )


def _in_short(news: SummaryNews) -> str:
    summary = news.summary
    if summary.is_empty:
        return "nothing happened"
    opened, faulty = sum(summary.opened.values()), summary.deploys.get("faulty", 0)
    incidents = _count(opened, "incident") if opened else "no new incident"
    return f"{incidents}, {_count(faulty, 'faulty deploy')}" if faulty else incidents


def _sentence(news: SummaryNews) -> str:
    summary = news.summary
    if summary.is_empty:
        return "Nothing happened: no incident and no deploy."
    counts = [
        f"{sum(summary.opened.values()):,} opened",
        f"{summary.ended:,} ended",
        f"{summary.open:,} open now",
        _count(sum(summary.deploys.values()), "deploy"),
    ]
    return f"{', '.join(counts)}."


def _sections(news: SummaryNews, public_url: str) -> list[Section]:
    summary = news.summary
    sections = [Section("Incidents", [Facts(_incidents(news))])]
    listed: list[tuple[str, Sequence[Line]]] = [
        (
            "Open longest, and nobody acknowledged it",
            [
                _line(each, f"open for {lasted(each.started_at, news.until)}", public_url)
                for each in ([summary.oldest] if summary.oldest else [])
            ],
        ),
        (
            "Most severe",
            [_line(each, _severity(each), public_url) for each in summary.most_severe],
        ),
        (
            "Noisiest",
            [_line(each, _count(each.events, "event"), public_url) for each in summary.noisiest],
        ),
    ]
    sections += [Section(title, [Lines(lines)]) for title, lines in listed if lines]
    if summary.deploys:
        sections.append(Section("Deploys", [Facts(_deploys(news))]))
    if summary.faulty:
        faulty: list[Block] = [Lines([_faulty(each, public_url) for each in summary.faulty])]
        more = summary.deploys.get("faulty", 0) - len(summary.faulty)
        if more > 0:
            faulty.append(Paragraph(f"and {more:,} more on the page of deploys."))
        sections.append(Section("Faulty deploys", faulty))
    return sections


def _incidents(news: SummaryNews) -> list[tuple[str, str]]:
    summary = news.summary
    severities = ", ".join(f"{count:,} {severity}" for severity, count in summary.opened.items())
    opened = f"{sum(summary.opened.values()):,}"
    pairs = [
        ("Opened", f"{opened}: {severities}" if severities else opened),
        ("Ended", f"{summary.ended:,}"),
        ("Open now", f"{summary.open:,}"),
    ]
    if summary.held_back:
        pairs.append(("Held back", f"{_count(summary.held_back, 'time')} by noise filters"))
    return pairs


def _deploys(news: SummaryNews) -> list[tuple[str, str]]:
    summary = news.summary
    counts = [
        f"{summary.deploys[each]:,} {words}"
        for each, words in _STANDINGS.items()
        if each in summary.deploys
    ]
    pairs = [("Deploys", f"{sum(summary.deploys.values()):,}: {', '.join(counts)}")]
    if summary.change_failure_rate is not None:
        rate = percent(summary.change_failure_rate)
        pairs.append(("Failure rate", f"{rate} of the {summary.judged:,} with a verdict"))
    return pairs


def _about(news: SummaryNews) -> Section:
    pairs = [("From", utc(news.since)), ("Until", utc(news.until))]
    for name, chosen in (("Services", news.services), ("Environments", news.environments)):
        if chosen is not None:
            pairs.append((name, ", ".join(chosen)))
    facts = Facts(pairs)
    if news.summary.is_empty:
        return Section("What happened", [Paragraph(_sentence(news)), facts])
    return Section("What this covers", [facts])


def _line(incident: SummedIncident, about: str, public_url: str) -> Line:
    where = f"{incident.service} in {incident.environment}"
    return Line(
        title=masked_line(incident.title, MAX_TITLE),
        about=f"{where}, {about}",
        url=incident_address(incident.incident_id, public_url),
    )


def _severity(incident: SummedIncident) -> str:
    return f"{incident.severity}, {'open' if incident.ended_at is None else 'ended'}"


def _faulty(deploy: FaultyDeploy, public_url: str) -> Line:
    where = f"{deploy.service} in {deploy.environment}"
    release = f", {deploy.release}" if deploy.release else ""
    why = deploy.reasons[0] if deploy.reasons else "no reason is known"
    return Line(
        title=masked_line(f"{where}{release}", MAX_TITLE),
        about=f"{utc(deploy.deployed_at)}: {masked_line(why, MAX_REASON)}",
        url=deploy_address(deploy.id, public_url),
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
