"""How values are shown to people. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from server.storage.main.incident_users import MAX_USERS
from server.wording.numbers import say_span
from shared.event import Frame
from shared.incident import IncidentSummary, Numbers

_SOURCES = {"sentry": "Sentry", "github": "GitHub", "datadog": "Datadog"}


def place_of_frame(frame: Frame) -> str:
    """File and line, or what is known of them."""
    place = frame.file or frame.module or ""
    return f"{place}:{frame.line}" if place and frame.line else place


def ago(moment: datetime, now: datetime) -> str:
    """How long since, in the one unit that matters; `static/pushlog.js` keeps it up to date."""
    seconds = int((now - moment) / timedelta(seconds=1))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def lasted(begin: datetime, end: datetime) -> str:
    """How long something took."""
    return say_span(max(timedelta(), end - begin) / timedelta(minutes=1))


def clock(moment: datetime) -> str:
    """Date and time in UTC, where it stands near that these are UTC."""
    return f"{moment:%-d %b %Y, %H:%M:%S}"


def clock_seconds(moment: datetime) -> str:
    """Hours, minutes and seconds in UTC, for what happened within minutes."""
    return f"{moment.astimezone(UTC):%H:%M:%S} UTC"


def short_clock(moment: datetime, beside: datetime) -> str:
    """Hours and minutes in UTC, with the day where that is another than `beside`."""
    return f"{moment:%H:%M}" if moment.date() == beside.date() else f"{moment:%-d %b, %H:%M}"


def utc(moment: datetime) -> str:
    """Date and time, for anywhere."""
    return f"{clock(moment.astimezone(UTC))} UTC"


def web_url(text: str | None) -> str | None:
    """`text` where it is safe as a link: what senders give may be ``javascript:`` as well."""
    try:
        parts = urlsplit(text or "")
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.hostname else None


def size(size_bytes: int) -> str:
    """So many bytes, in the unit that fits."""
    if size_bytes < 1_000:
        return f"{size_bytes} B"
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1_000:.1f} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"


def percent(share: float) -> str:
    """A share from 0 to 1."""
    return f"{share:.0%}".replace("%", " %")


def source_name(source: str) -> str:
    """The name of a source as it writes itself."""
    return _SOURCES.get(source, source)


def source_that_said(numbers: Numbers) -> str:
    """Return the name of the source whose word was taken for it."""
    return source_name(str(numbers["said_by_source"]))


def link_name(name: str, source: str) -> str:
    """What a link of an event leads to."""
    if name == "source_url":
        return f"Open in {source_name(source)}"
    words = name.removesuffix("_url").replace("_", " ")
    return words[:1].upper() + words[1:]


def shown_links(links: Mapping[str, str], source: str) -> list[tuple[str, str]]:
    """The links that lead to web pages, with their names; that to the source comes first."""
    shown = sorted(links.items(), key=lambda link: link[0] != "source_url")
    return [(link_name(name, source), url) for name, url in shown if web_url(url) is not None]


def counted(summary: IncidentSummary) -> str:
    """How often it was seen; alerts come at the pace of their rule, and are no count of events.

    Nothing for a deploy, which happens once.
    """
    if summary.trigger == "deploy":
        return ""
    word = "alert" if summary.alert_rule else "event"
    return f"{summary.event_count:,} {word}{'' if summary.event_count == 1 else 's'}"


def counted_users(users: int) -> str:
    """How many users it affected. Nothing if no event named one; from `MAX_USERS` on, no more."""
    if not users:
        return ""
    return f"{users:,}{'+' if users >= MAX_USERS else ''} user{'' if users == 1 else 's'}"
