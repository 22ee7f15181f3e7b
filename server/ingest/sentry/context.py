"""Reads what was around an event: source, request, user and breadcrumbs.

All of it is for people to look at. So what does not fit is cut or left out without a note.
"""

import json
from collections.abc import Iterable, Sequence

from server.ingest.sentry.fields import read_time
from server.ingest.sentry.payload import Breadcrumb as SentryBreadcrumb
from server.ingest.sentry.payload import Event, Request, Scalar
from server.ingest.sentry.payload import Frame as SentryFrame
from server.ingest.sentry.stacktrace import Trace
from server.ingest.text import clean_line, many_lines, scalar_text
from shared.event import MAX_PAIRS
from shared.event_context import (
    MAX_BODY,
    MAX_BREADCRUMB,
    MAX_BREADCRUMBS,
    MAX_LEVEL,
    MAX_LINE,
    MAX_METHOD,
    MAX_QUERY,
    MAX_SOURCES,
    Breadcrumb,
    EventContext,
    HttpRequest,
    SourceLines,
)

_LINES_AROUND = 5
_OF_LIBRARIES_ONLY = 3
"""At so many frames the source is kept where none of the frames is the program's own."""

_MAX_NAME = 200
_MAX_VALUE = 2048
_MAX_CATEGORY = 512
_NEVER_KEPT = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})


def read_context(event: Event, traces: Sequence[Trace]) -> EventContext:
    """Return the context of `event`; `traces` are its stack trace and those of its chain."""
    return EventContext(
        sources=_sources(traces),
        request=None if event.request is None else _request(event.request),
        user=_pairs((event.user or {}).items()),
        breadcrumbs=_breadcrumbs(event),
    )


def _sources(traces: Sequence[Trace]) -> list[SourceLines]:
    """Return the source at the newest of the program's own frames, or of all if it has none."""
    with_source = [
        (exception, at, trace.frames[at].in_app is not False, frame)
        for exception, trace in enumerate(traces)
        for at, frame in enumerate(trace.given)
        if frame.context_line and frame.context_line.strip()
    ]
    own = [each for each in with_source if each[2]][:MAX_SOURCES]
    return [
        _source(exception, at, frame)
        for exception, at, _, frame in own or with_source[:_OF_LIBRARIES_ONLY]
    ]


def _source(exception: int, at: int, frame: SentryFrame) -> SourceLines:
    return SourceLines(
        exception=exception,
        frame=at,
        before=[_line(each) for each in (frame.pre_context or ())[-_LINES_AROUND:]],
        line=_line(frame.context_line),
        after=[_line(each) for each in (frame.post_context or ())[:_LINES_AROUND]],
    )


def _line(text: Scalar) -> str:
    # Nearly every line fits as it is. The spaces at its beginning are part of it.
    if isinstance(text, str) and len(text) <= MAX_LINE and text.isprintable():
        return text
    line, *_ = scalar_text(text).splitlines() or [""]
    return many_lines(line, MAX_LINE)


def _request(request: Request) -> HttpRequest | None:
    headers = [
        (name, value)
        for name, value in _named(request.headers)
        if str(name).lower() not in _NEVER_KEPT
    ]
    found = HttpRequest(
        method=clean_line(request.method or "", MAX_METHOD) or None,
        query=clean_line(_query(request.query_string or request.rest_query), MAX_QUERY) or None,
        headers=_pairs(headers),
        body=many_lines(_as_text(request.data), MAX_BODY) or None,
    )
    return None if found == HttpRequest() else found


def _query(query: object) -> str:
    if isinstance(query, str):
        return query
    return "&".join(f"{_as_text(name)}={_as_text(value)}" for name, value in _named(query))


def _breadcrumbs(event: Event) -> list[Breadcrumb]:
    given = event.breadcrumbs
    values = given if isinstance(given, list) else given.values if given is not None else None
    newest = [each for each in values or () if each is not None][-MAX_BREADCRUMBS:]
    return [
        Breadcrumb(
            message=many_lines(scalar_text(each.message) or _what(each), MAX_BREADCRUMB),
            category=clean_line(each.category or each.type or "", _MAX_CATEGORY) or None,
            level=clean_line(each.level or "", MAX_LEVEL) or None,
            time=read_time(each.timestamp),
        )
        for each in newest
    ]


def _what(breadcrumb: SentryBreadcrumb) -> str:
    """Return what a breadcrumb without a message says in its data."""
    match breadcrumb.data:
        case {"method": str(method), "url": str(url), **others}:
            status = others.get("status_code")
            return f"{method} {url}" if status is None else f"{method} {url}: {_as_text(status)}"
        case dict():
            return ", ".join(f"{name}: {_as_text(each)}" for name, each in breadcrumb.data.items())
    return _as_text(breadcrumb.data)


def _named(values: object) -> Iterable[tuple[object, object]]:
    """Return names and values from any of their forms: an object, or a list of pairs."""
    match values:
        case dict():
            yield from values.items()
        case list():
            for pair in values:
                match pair:
                    case [name, value]:
                        yield name, value


def _pairs(values: Iterable[tuple[object, object]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for given_name, value in values:
        name = clean_line(_as_text(given_name), _MAX_NAME)
        text = clean_line(_as_text(value), _MAX_VALUE)
        if name and text and len(found) < MAX_PAIRS:
            found[name] = text
    return found


def _as_text(value: object) -> str:
    match value:
        case str():
            return value
        case int() | float() | None:
            return scalar_text(value)
        case [str(only)]:
            return only
    return json.dumps(value, ensure_ascii=False)
