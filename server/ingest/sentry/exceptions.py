"""Finds what was raised: the root cause of an event with its trace, and what was raised from it."""

import itertools

import msgspec

from server.ingest.notes import Notes
from server.ingest.sentry.payload import (
    Event,
    Exceptions,
    LogEntry,
    Mechanism,
    Metadata,
    Occurrence,
    RaisedException,
    Thread,
)
from server.ingest.sentry.stacktrace import NO_TRACE, Trace, newest_first
from server.ingest.text import clean_line, many_lines, scalar_text
from shared.event import MAX_CHAIN, ChainedException

MESSAGE = "Message"
"""The exception type of an event that carries only a message."""
UNTYPED = "Exception without a type"
CSP_VIOLATION = "CSP violation"
NO_MESSAGE = "(no message)"

_CONTEXT = "__context__"
_NO_MECHANISM = Mechanism()
_MAX_TYPE = 512
_MAX_MESSAGE = 8192


class Raised(msgspec.Struct, frozen=True):
    """The root cause; `chain` is what was raised from it, nearest first.

    `traces` are the stack traces of both, that of the root cause first. `template` is the logged
    message without its parameters, if only a message was logged and it has some.
    """

    exception_type: str
    message: str
    traces: list[Trace]
    chain: list[ChainedException] = []
    template: str | None = None


def what_was_raised(event: Event, notes: Notes) -> Raised:
    """Return the root cause of `event`, with a name even if Sentry gives none.

    An exception without a type is named `UNTYPED`. An event that is not an exception is named by
    what it is: the title of an occurrence (a slow query, a failing URL), `CSP_VIOLATION`, the type
    in the metadata, or `MESSAGE`.
    """
    chain = _causes(_exceptions(event), notes)
    if chain:
        return _from_chain(event, chain, notes)
    exception_type, message = _name_without_exception(event)
    return Raised(
        exception_type=fit_type(exception_type, notes),
        message=fit_message(message, notes),
        traces=[_thread_trace(event, notes)],
        template=_template(event) if exception_type == MESSAGE else None,
    )


def name_of_metadata(metadata: Metadata | None, title: str | None) -> tuple[str, str]:
    """Return type and message, as far as Sentry's own title shows them."""
    if metadata is None:
        return MESSAGE, title or ""
    if metadata.directive:
        blocked = f"Blocked {metadata.directive} from {metadata.uri or 'an unnamed source'}"
        return CSP_VIOLATION, metadata.message or title or blocked
    if metadata.type:
        return metadata.type, metadata.value or title or metadata.type
    return MESSAGE, metadata.title or metadata.value or title or ""


def fit_type(name: str, notes: Notes) -> str:
    """Return `name`, cut to the limit of `Event.exception_type`."""
    if len(name) > _MAX_TYPE:
        notes.add(f"the exception type is cut to {_MAX_TYPE} of {len(name)} characters")
    return clean_line(name, _MAX_TYPE) or UNTYPED


def fit_message(message: str, notes: Notes) -> str:
    """Return `message`, cut to the limit of `Event.message`."""
    if len(message) > _MAX_MESSAGE:
        notes.add(f"the message is cut to {_MAX_MESSAGE} of {len(message)} characters")
    fitting = many_lines(message, _MAX_MESSAGE)
    return fitting if fitting.strip() else NO_MESSAGE


class _Link(msgspec.Struct, frozen=True):
    """An exception of the chain, and its place in it."""

    exception: RaisedException
    at: int

    @property
    def path(self) -> str:
        """Return where it is in the event."""
        return f"exception.values[{self.at}]"


def _exceptions(event: Event) -> list[_Link]:
    match event.exception:
        case Exceptions(values=None):
            values: list[RaisedException | None] = [event.exception]
        case Exceptions(values=[*values]) | [*values]:
            pass
        case _:
            return []
    return [
        _Link(value, at)
        for at, value in enumerate(values)
        if value is not None and (value.type or value.value or value.stacktrace)
    ]


def _causes(chain: list[_Link], notes: Notes) -> list[_Link]:
    """Return the chain without what was only being handled when something else was raised.

    Python calls that the context of an exception, and a cause what was named with ``from``. What a
    context was raised from is context too.
    """
    of = {link.at: link.exception.mechanism or _NO_MECHANISM for link in chain}
    numbered = {mechanism.exception_id: at for at, mechanism in of.items()}
    contexts: set[int] = set()
    # What was raised comes after its causes, so that each is met after what it belongs to.
    for link, raised in reversed(list(itertools.pairwise(chain))):
        mechanism = of[link.at]
        parent = numbered.get(mechanism.parent_id) if mechanism.parent_id is not None else raised.at
        if mechanism.source == _CONTEXT or parent in contexts:
            contexts.add(link.at)
            name = scalar_text(link.exception.type) or UNTYPED
            notes.add(f"{link.path}: {name} was being handled then; it is not the cause")
    return [link for link in chain if link.at not in contexts]


def _from_chain(event: Event, chain: list[_Link], notes: Notes) -> Raised:
    root, *later = (link.exception for link in chain)
    traces = [
        newest_first(link.exception.stacktrace, f"{link.path}.stacktrace", notes)
        for link in chain[: MAX_CHAIN + 1]
    ]
    # The root of an exception group has no trace of its own: the nearest trace tells most.
    lender = next((at for at, trace in enumerate(traces) if trace.frames), None)
    if lender is None:
        traces[0] = _thread_trace(event, notes)
    else:
        traces[lender], traces[0] = NO_TRACE, traces[lender]
        if lender > 0:
            notes.add(
                f"{chain[0].path}: has no stack trace; that of values[{chain[lender].at}] is used"
            )
    if len(later) > MAX_CHAIN:
        notes.add(f"exception: a chain of {len(chain)}, of which the nearest are kept")
    root_type = scalar_text(root.type)
    root_message = (
        scalar_text(root.value) or logged(event) or (event.title if not later else "") or root_type
    )
    return Raised(
        exception_type=fit_type(root_type, notes),
        message=fit_message(root_message, notes),
        traces=traces,
        chain=[
            ChainedException(
                exception_type=clean_line(scalar_text(exception.type), _MAX_TYPE) or UNTYPED,
                message=many_lines(scalar_text(exception.value), _MAX_MESSAGE),
                stacktrace=trace.frames,
            )
            for exception, trace in zip(later, traces[1:], strict=False)
        ],
    )


def _name_without_exception(event: Event) -> tuple[str, str]:
    if event.occurrence is not None and event.occurrence.issue_title:
        title = event.occurrence.issue_title
        message = event.occurrence.subtitle or event.title or title
        return title, "\n".join([message, *_evidence(event.occurrence)])
    if event.csp is not None:
        directive = event.csp.effective_directive or "a resource"
        blocked = f"Blocked {directive} from {event.csp.blocked_uri or 'an unnamed source'}"
        return CSP_VIOLATION, logged(event) or event.title or blocked
    exception_type, message = name_of_metadata(event.metadata, event.title)
    if exception_type == MESSAGE:
        message = logged(event) or message or event.culprit or ""
    return exception_type, message


def _evidence(occurrence: Occurrence) -> list[str]:
    """Return a line for each thing that Sentry shows, below the one that tells issues apart."""
    return [
        f"{each.name}: {value}" if each.name else value
        for each in occurrence.evidence or ()
        if each is not None and (value := scalar_text(each.value).strip())
    ]


def logged(event: Event) -> str:
    """Return the event's message, with its parameters filled in if Sentry did so."""
    texts = []
    for entry in (event.logentry, event.message):
        match entry:
            case LogEntry(formatted=formatted, message=template):
                texts += [formatted, template]
            case str():
                texts.append(entry)
    return next((text for text in texts if text and text.strip()), "")


def _template(event: Event) -> str | None:
    """Return the message that was logged with parameters, before they were filled in."""
    for entry in (event.logentry, event.message):
        match entry:
            case LogEntry(formatted=str(formatted), message=str(template)) if template != formatted:
                fitting = many_lines(template, _MAX_MESSAGE)
                return fitting if fitting.strip() else None
    return None


def _thread_trace(event: Event, notes: Notes) -> Trace:
    """Return the trace of the thread that crashed, else of the current one, else of the event."""
    threads: list[Thread | None] = []
    if isinstance(event.threads, list):
        threads = event.threads
    elif event.threads is not None:
        threads = event.threads.values or []
    there = [thread for thread in threads if thread is not None]
    chosen = [thread for thread in there if thread.crashed]
    chosen += [thread for thread in there if thread.current and not thread.crashed]
    for thread in chosen:
        trace = newest_first(thread.stacktrace, "threads", notes)
        if trace.frames:
            return trace
    return newest_first(event.stacktrace, "stacktrace", notes)
