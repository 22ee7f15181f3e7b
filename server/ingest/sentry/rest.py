"""Reads events as Sentry's REST serialiser writes them, which service hooks send."""

from server.ingest.notes import Notes
from server.ingest.salvage import salvage
from server.ingest.sentry.payload import (
    Breadcrumbs,
    Csp,
    Event,
    Exceptions,
    LogEntry,
    Request,
    Threads,
)

_STORED_NAMES = {"absPath": "abs_path", "lineNo": "lineno", "inApp": "in_app"}


def take_rest_entries(event: Event, path: str, notes: Notes) -> None:
    """Move the `entries` of `event` to where a stored event has the same parts."""
    for at, entry in enumerate(event.entries or ()):
        if entry is None or not isinstance(entry.data, dict):
            continue
        below = f"{path}.entries[{at}].data"
        match entry.type:
            case "exception" if event.exception is None:
                data = _with_stored_frames(entry.data)
                event.exception = salvage(data, Exceptions, below, notes)
            case "threads" if event.threads is None:
                data = _with_stored_frames(entry.data)
                event.threads = salvage(data, Threads, below, notes)
            case "message" if event.logentry is None:
                event.logentry = salvage(entry.data, LogEntry, below, notes)
            case "request" if event.request is None:
                event.request = salvage(entry.data, Request, below, notes)
            case "breadcrumbs" if event.breadcrumbs is None:
                event.breadcrumbs = salvage(entry.data, Breadcrumbs, below, notes)
            case "csp" if event.csp is None:
                event.csp = salvage(entry.data, Csp, below, notes)


def _with_stored_frames(data: dict[str, object]) -> dict[str, object]:
    """Return `data` of exceptions or threads, with the stored names for its frames' fields."""
    values = data.get("values")
    if not isinstance(values, list):
        return data
    return {"values": [_with_stored_stacktrace(value) for value in values]}


def _with_stored_stacktrace(value: object) -> object:
    match value:
        case {"stacktrace": {"frames": [*frames]}, **others}:
            return {**others, "stacktrace": {"frames": [_stored_frame(frame) for frame in frames]}}
    return value


def _stored_frame(frame: object) -> object:
    if not isinstance(frame, dict):
        return frame
    stored = {_STORED_NAMES.get(name, name): value for name, value in frame.items()}
    return stored | _stored_source(stored.get("context"), stored.get("lineno"))


def _stored_source(context: object, own: object) -> dict[str, object]:
    """Return the source at a frame as a stored frame has it; `context` is numbered lines."""
    numbered: list[tuple[int, object]] = []
    for pair in context if isinstance(context, list) else ():
        match pair:
            case [int(number), text]:
                numbered.append((number, text))
    if not isinstance(own, int) or own not in dict(numbered):
        return {}
    return {
        "pre_context": [text for number, text in numbered if number < own],
        "context_line": dict(numbered)[own],
        "post_context": [text for number, text in numbered if number > own],
    }
