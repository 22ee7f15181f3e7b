"""How what was raised is shown: frames in runs, folded or not, and the source at each."""

import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from shared.event import Event, Frame
from shared.event_context import EventContext, SourceLines


class ShownLine(msgspec.Struct, frozen=True):
    """A line of source; `is_own` marks the frame's own. `number` is None if it is not known."""

    number: int | None
    text: str
    is_own: bool


class ShownFrame(msgspec.Struct, frozen=True):
    """A frame and its place in the trace, with the source at it as far as it was sent.

    The source is open at one frame, the newest of the program's own, and folded at the others.
    """

    frame: Frame
    at: int
    source: Sequence[ShownLine] = ()
    is_open: bool = False


class FrameRun(msgspec.Struct, frozen=True):
    """Frames that stand together in a stack trace, and are shown or folded together."""

    folded: bool
    frames: Sequence[ShownFrame]


class Raised(msgspec.Struct, frozen=True):
    """An exception with its stack trace."""

    exception_type: str
    message: str
    runs: Sequence[FrameRun]


def what_was_raised(event: Event, context: EventContext) -> list[Raised]:
    """Return the event's exception and those that were raised from it, nearest first."""
    raised = [(event.exception_type, event.message, event.stacktrace)]
    raised += [(each.exception_type, each.message, each.stacktrace) for each in event.chain]
    return [
        Raised(name, message, fold_frames(frames, _of_exception(context, number)))
        for number, (name, message, frames) in enumerate(raised)
    ]


def fold_frames(frames: Sequence[Frame], sources: Iterable[SourceLines] = ()) -> list[FrameRun]:
    """Return runs of frames, those of libraries folded; a trace of nothing else is unfolded."""
    at_frame = {each.frame: each for each in sources if each.frame < len(frames)}
    newest_own = min(at_frame, key=lambda at: (frames[at].in_app is False, at), default=None)
    shown = [
        ShownFrame(
            frame, at, _lines(frame, at_frame[at]) if at in at_frame else (), at == newest_own
        )
        for at, frame in enumerate(frames)
    ]
    runs = [
        FrameRun(folded=library, frames=list(run))
        for library, run in groupby(shown, key=lambda each: each.frame.in_app is False)
    ]
    if len(runs) == 1:
        return [FrameRun(folded=False, frames=runs[0].frames)]
    return runs


def _of_exception(context: EventContext, number: int) -> list[SourceLines]:
    return [each for each in context.sources if each.exception == number]


def _lines(frame: Frame, source: SourceLines) -> list[ShownLine]:
    """Return the lines at `frame`, without the indentation that all of them have."""
    lines = [*source.before, source.line, *source.after]
    own = len(source.before)
    texts = textwrap.dedent("\n".join(each.expandtabs(4) for each in lines)).split("\n")
    first = None if frame.line is None or frame.line <= own else frame.line - own
    return [
        ShownLine(None if first is None else first + at, text, at == own)
        for at, text in enumerate(texts)
    ]
