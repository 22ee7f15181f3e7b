"""Turns Sentry's frames, oldest first, into ours, newest first."""

from functools import lru_cache

import msgspec

from server.ingest.limits import without_middle
from server.ingest.notes import Notes
from server.ingest.sentry.payload import Frame as SentryFrame
from server.ingest.sentry.payload import Stacktrace
from server.ingest.text import clean_line, line_end
from shared.event import Frame

_MAX_LINE = 2**31
_MEMO_FRAMES = 4096
_MEMO_CHARACTERS = 512
"""Longer frames are not remembered, which keeps the memo under ten megabytes."""


class Trace(msgspec.Struct, frozen=True):
    """A stack trace in our terms; `given` has Sentry's own frame for each."""

    frames: list[Frame] = []
    given: list[SentryFrame] = []


NO_TRACE = Trace()


def newest_first(stacktrace: Stacktrace | None, path: str, notes: Notes) -> Trace:
    """Return the frames of `stacktrace`, without nameless ones; a long trace loses its middle."""
    if stacktrace is None or not stacktrace.frames:
        return NO_TRACE
    given = stacktrace.frames
    named = [
        frame
        for frame in reversed(given)
        if frame is not None
        and (frame.filename or frame.function or frame.module or frame.abs_path or frame.package)
    ]
    if len(named) < len(given):
        notes.add(
            f"{path}.frames: {len(given) - len(named)} of {len(given)} frames name no file, "
            "module or function; left out"
        )
    kept = without_middle(named, f"{path}.frames", notes)
    pairs = [(ours, frame) for frame in kept if (ours := _frame(frame)) is not None]
    return Trace([ours for ours, _ in pairs], [frame for _, frame in pairs])


def _frame(frame: SentryFrame) -> Frame | None:
    """Return the frame in our terms, or None if its names turn out to be blank.

    A native frame often has nothing but its `package`, the library that it is in. That works as
    well as any module. An address is not a name, because it changes from build to build.
    """
    file = frame.filename or frame.abs_path or ""
    function = frame.function or ""
    module = frame.module or ("" if file or function else frame.package) or ""
    if len(file) + len(function) + len(module) <= _MEMO_CHARACTERS:
        return _remembered_frame(file, module, function, frame.lineno, frame.in_app)
    return _fitted_frame(file, module, function, frame.lineno, frame.in_app)


def _fitted_frame(
    file: str, module: str, function: str, line: int | None, in_app: bool | None
) -> Frame | None:
    file = line_end(file, 1024)
    module = line_end(module, 512)
    function = clean_line(function, 512)
    if not (file or module or function):
        return None
    return Frame(
        file=file or None,
        module=module or None,
        function=function or None,
        line=line if line is not None and 0 <= line <= _MAX_LINE else None,
        in_app=in_app,
    )


# The events of one service go through the same calls again and again. Looking a frame up takes a
# tenth of the time of cleaning its names and building it.
_remembered_frame = lru_cache(maxsize=_MEMO_FRAMES)(_fitted_frame)
