"""Put many letters into one mail. Pure. Each incident appears once, as it was last, worst first.

Gmail cuts off a mail whose HTML is over 102 kB, and nobody reads that much. So only the worst few
are told in full; all others have a line and a link, by service.
"""

from collections import Counter
from collections.abc import Sequence
from typing import get_args

import msgspec

from server.notify.channel import Letter
from server.notify.email.addresses import incident_address
from server.notify.email.blocks import Address, Content, Item, Items, Line, Lines, Section, Tone
from server.notify.email.content import content_of
from server.notify.email.incident_content import kicker_of
from server.notify.masking import masked_line
from server.notify.news import IncidentNews, NewsChange, SummaryNews
from server.wording.changes import did_words
from server.wording.formats import counted

MAX_LINE = 300
MAX_SHORT_LINE = 60
MOST_IN_FULL = 10
_RANK: dict[str, int] = {"critical": 0, "error": 1, "warning": 2}
_TONES: Sequence[Tone] = ("critical", "error", "warning")


class Story(msgspec.Struct):
    """All that waited to be told about one incident, oldest first."""

    news: list[IncidentNews] = msgspec.field(default_factory=list)

    @property
    def last(self) -> IncidentNews:
        """Return how the incident is now."""
        return self.news[-1]

    @property
    def is_over(self) -> bool:
        """Return whether the incident has ended by now."""
        return self.last.is_over


def digest_of(letters: Sequence[Letter], public_url: str) -> Content:
    """Return what one mail says about all `letters`; none is left out."""
    stories: dict[str, Story] = {}
    others: list[Item] = []
    for letter in letters:
        if isinstance(letter.news, IncidentNews):
            incident_id = letter.news.incident.incident_id
            stories.setdefault(incident_id, Story()).news.append(letter.news)
        else:
            others.append(_other(letter, public_url))
    ordered = sorted(stories.values(), key=_urgency)
    going_on = [story for story in ordered if not story.is_over]
    over = [story for story in ordered if story.is_over]
    told = [*going_on, *over]
    in_full, in_short = told[:MOST_IN_FULL], told[MOST_IN_FULL:]
    sections = [
        Section(title, [Items([_item(story, public_url) for story in some])])
        for title, some in (
            ("Ongoing", [story for story in in_full if not story.is_over]),
            ("Already ended", [story for story in in_full if story.is_over]),
        )
        if some
    ]
    sections += _by_service(in_short, public_url)
    if others:
        sections.append(Section("Other", [Items(others)]))
    for letter in letters:
        if isinstance(letter.news, SummaryNews):
            # Its item would not do: nobody sends the rest of it again.
            sections += content_of(letter.news, public_url).sections
    title = _title(ordered, others)
    return Content(
        subject=f"[PushLog] {title}",
        preview="; ".join(story.last.incident.title for story in ordered[:5]) or title,
        kicker="Digest",
        tone=_tone(going_on),
        title=title,
        labels=[_changes(ordered)] if ordered else [],
        links=[("Open PushLog", Address(f"{public_url}/incidents"))],
        sections=sections,
    )


def _by_service(stories: Sequence[Story], public_url: str) -> list[Section]:
    """Return a line for each, in a section per service, starting with the service of the worst."""
    lines: dict[str, list[Line]] = {}
    for story in stories:
        incident = story.last.incident
        about = "ended" if story.is_over else incident.severity
        lines.setdefault(f"{incident.service} in {incident.environment}", []).append(
            Line(
                title=masked_line(f"{incident.exception_type}: {incident.message}", MAX_SHORT_LINE),
                about=", ".join(each for each in (about, counted(incident)) if each),
                url=incident_address(incident.incident_id, public_url),
            )
        )
    return [Section(f"{len(some)} more in {where}", [Lines(some)]) for where, some in lines.items()]


def _item(story: Story, public_url: str) -> Item:
    incident = story.last.incident
    happened = [kicker_of(each) for each in story.news]
    what = ", then ".join([happened[0], *(each.lower() for each in happened[1:])])
    about = [incident.severity, f"{incident.service} in {incident.environment}", counted(incident)]
    # Only the first sentence: the mail must not become so long that readers cut it off.
    why = story.last.why.partition(". ")[0].removesuffix(".")
    notes = [f"{what}. {why}." if why else f"{what}."]
    return Item(
        title=masked_line(f"{incident.exception_type}: {incident.message}", MAX_LINE),
        about=" · ".join(each for each in about if each),
        notes=notes,
        url=incident_address(incident.incident_id, public_url),
        tone="good" if story.is_over else incident.severity,
    )


def _other(letter: Letter, public_url: str) -> Item:
    content = content_of(letter.news, public_url)
    return Item(
        title=masked_line(content.title, MAX_LINE),
        about=content.kicker,
        notes=[masked_line(content.preview, MAX_LINE)],
        url=next((url for _, url in content.links), None),
        tone=content.tone,
    )


def _urgency(story: Story) -> tuple[int, int]:
    incident = story.last.incident
    return _RANK[incident.severity], -incident.priority_score


def _title(stories: Sequence[Story], others: Sequence[Item]) -> str:
    if not stories:
        return f"{len(others)} notifications"
    count = "1 incident" if len(stories) == 1 else f"{len(stories)} incidents"
    services = list(dict.fromkeys(story.last.incident.service for story in stories))
    where = services[0] if len(services) == 1 else f"{len(services)} services"
    besides = f", and {len(others)} more" if others else ""
    return f"{count} in {where}{besides}"


def _changes(stories: Sequence[Story]) -> str:
    counts = Counter(did_words(news.change) for story in stories for news in story.news)
    in_order = dict.fromkeys(map(did_words, get_args(NewsChange)))
    return ", ".join(f"{counts[did]} {did}" for did in in_order if counts[did])


def _tone(stories: Sequence[Story]) -> Tone:
    severities = {story.last.incident.severity for story in stories}
    return next((tone for tone in _TONES if tone in severities), "good")
