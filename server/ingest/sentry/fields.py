"""Reads the single facts of an event or issue: whose it is, where, when and how severe."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b

import msgspec

from server.ingest.notes import Notes
from server.ingest.sentry.payload import Project, Release, Scalar, Tag, Tags
from server.ingest.text import clean_line, scalar_text
from server.ingest.utc import is_plausible
from shared.event import MAX_PAIRS, PRODUCTION, Severity

UNKNOWN_SERVICE = "unknown-project"

_MAX_KEY = 200
_MAX_TAG = 2048
_MAX_SERVICE = 128
_MAX_ENVIRONMENT = 64
_MAX_IDENTITY = 256
_MAX_URL = 2048

_SEVERITIES: dict[str, Severity] = {
    "fatal": "critical",
    "critical": "critical",
    "error": "error",
    "warning": "warning",
    "info": "warning",
    "debug": "warning",
    "log": "warning",
    "sample": "warning",
}
_SAID_BY_SEVERITY = ("fatal", "error", "warning")

_PROJECT_IN_URL = re.compile(r"/projects/[^/?#]+/([^/?#]+)")
_API_URL = "/api/0/"
_VARIABLE = re.compile(r"\{\{.*?\}\}")


def read_tags(tags: Tags, notes: Notes) -> dict[str, str]:
    """Return the tags, from any of their three forms, without those that lack a key or value."""
    found: dict[str, str] = {}
    cut = 0
    for key, value in _tag_pairs(tags, notes):
        name = clean_line(scalar_text(key), _MAX_KEY)
        text = scalar_text(value)
        if name and text:
            cut += len(text) > _MAX_TAG
            found[name] = clean_line(text, _MAX_TAG)
    if cut:
        notes.add(f"tags: {cut} of the values are cut to {_MAX_TAG} characters")
    if len(found) > MAX_PAIRS:
        notes.add(f"tags: {len(found)} tags, of which the first {MAX_PAIRS} are kept")
        found = dict(list(found.items())[:MAX_PAIRS])
    return found


def read_severity(level: str | None, tags: dict[str, str], notes: Notes) -> Severity:
    """Return the severity of Sentry's `level`; keep a level that it cannot express as a tag."""
    name = (level or tags.get("level") or "").strip().lower() or "error"
    severity = _SEVERITIES.get(name)
    if severity is None:
        notes.add(f"level: {name} is not one of Sentry's levels; treated as an error")
        severity = "error"
    if name not in _SAID_BY_SEVERITY and len(tags) < MAX_PAIRS:
        tags.setdefault("level", clean_line(name, _MAX_TAG))
    return severity


def read_environment(name: str | None, notes: Notes) -> str:
    """Return the environment, or production if none is named."""
    environment = _fitted(name or "", _MAX_ENVIRONMENT, "environment", notes)
    if environment:
        return environment
    notes.add(f"environment: none is named; {PRODUCTION} is assumed")
    return PRODUCTION


def read_service(project: Project | Scalar, slug: str | None, url: str | None, notes: Notes) -> str:
    """Return the project's slug: `slug`, that of `project` or the API URL, or one from its id."""
    named = project.slug if isinstance(project, Project) else None
    if isinstance(project, str) and not project.isdecimal():
        named = project
    in_url = None if slug or named else _PROJECT_IN_URL.search(url or "")
    service = _fitted(
        slug or named or (in_url[1] if in_url else ""), _MAX_SERVICE, "project", notes
    )
    if service:
        return service
    number = scalar_text(project.id if isinstance(project, Project) else project)
    if number.isdecimal():
        notes.add("project: no slug; the service is named by the project's id")
        return clean_line(f"project-{number}", _MAX_SERVICE)
    notes.add(f"project: none is named; the service is {UNKNOWN_SERVICE}")
    return UNKNOWN_SERVICE


def read_release(release: Release | Scalar, tags: dict[str, str], notes: Notes) -> str | None:
    """Return the version from the text or object that holds it, else from the tag."""
    version = release.version if isinstance(release, Release) else scalar_text(release)
    version = version or tags.get("sentry:release") or tags.get("release") or ""
    return _fitted(version, _MAX_IDENTITY, "release", notes) or None


def read_fingerprint(parts: list[Scalar] | None, issue_id: str | None, notes: Notes) -> str | None:
    """Return the grouping that people set, or None if Sentry's own grouping decided.

    A part like `{{ default }}` stands for something that Sentry computes. The issue is the result
    of that, so the issue's id replaces such parts.
    """
    if not parts or parts == ["{{ default }}"]:
        return None
    texts = [text for part in parts if (text := clean_line(scalar_text(part), _MAX_TAG))]
    named = [text for text in texts if not _VARIABLE.search(text)]
    if not texts or (not named and len(texts) == 1 and "default" in texts[0]):
        return None
    if len(named) < len(texts):
        if issue_id is None:
            notes.add("fingerprint: uses Sentry's variables, and no issue is named; not used")
            return None
        named.append(f"issue {issue_id}")
    joined = " / ".join(named)
    if len(joined) <= _MAX_IDENTITY:
        return joined
    digest = blake2b(joined.encode(), digest_size=8).hexdigest()
    return f"{joined[: _MAX_IDENTITY - len(digest) - 1]}#{digest}"


def read_identity(value: Scalar, name: str, notes: Notes) -> str | None:
    """Return an id of Sentry's (issue, event, rule), which comes as text or as a number."""
    return _fitted(scalar_text(value), _MAX_IDENTITY, name, notes) or None


def source_links(*urls: str | None) -> dict[str, str]:
    """Return the first of `urls` that is a page for people, as a link of the event."""
    for url in urls:
        if url and url.startswith(("https://", "http://")) and _API_URL not in url:
            fitting = clean_line(url, _MAX_URL + 1)
            if len(fitting) <= _MAX_URL:
                return {"source_url": fitting}
    return {}


def read_url(url: str | None, limit: int = _MAX_URL) -> str | None:
    """Return a URL or route, cut to `limit`, or None if there is none."""
    return clean_line(url or "", limit) or None


def read_time(*candidates: float | str | None) -> datetime | None:
    """Return the first of `candidates` that is a time.

    A time is seconds since 1970, or ISO 8601 (UTC if bare).
    """
    return next((time for each in candidates if (time := _read_time(each)) is not None), None)


def time_of_event(
    candidates: Iterable[float | str | None], received: datetime, notes: Notes
) -> datetime:
    """Return the first of `candidates` that is a plausible time, else when it was received."""
    for each in candidates:
        time = _read_time(each)
        if time is not None and is_plausible(time, received):
            return time
    notes.add("timestamp: no plausible time; the time of receipt is used")
    return received


def _read_time(candidate: float | str | None) -> datetime | None:
    try:
        match candidate:
            case bool():
                return None
            case int() | float():
                return datetime.fromtimestamp(candidate, UTC)
            case str():
                time = datetime.fromisoformat(candidate.strip())
                return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def delivery_identity(resource: str, *parts: str | None) -> str:
    """Return the identity of a delivery: a repeat has the same resource and the same `parts`."""
    digest = blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()
    return f"sentry:{resource}:{digest}"


def _tag_pairs(tags: Tags, notes: Notes) -> Iterable[tuple[Scalar, Scalar]]:
    if isinstance(tags, dict):
        yield from tags.items()
        return
    for tag in tags or ():
        if isinstance(tag, Tag):
            yield tag.key, tag.value
        elif tag is not None and len(tag) == 2:
            yield tag[0], tag[1]
        elif tag is not None:
            notes.add("tags: an entry is not a pair; left out")


def _fitted(text: str, limit: int, name: str, notes: Notes) -> str:
    if len(text) > limit:
        notes.add(f"{name}: cut to {limit} of {len(text)} characters")
    return clean_line(text, limit)
