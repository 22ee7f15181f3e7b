"""Decide which events are one issue. docs/FINGERPRINTS.md has the rules by language.

The names of frames are memoised by the trace before it is normalised, because most events repeat an
earlier one. The memo is bounded and changes no answer.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import msgspec

from engine.stack.messages import blanked
from engine.stack.names import frame_name, is_foreign
from shared.event import Event, Frame

RULES_VERSION = 4
"""Raise this whenever the rules give some event another key than before."""

KEY_FRAMES = 4
"""Frames in a key: the one that raised, and enough callers to tell who used a shared helper."""

_FRAMES_READ = 16

_UNNAMED = re.compile(r"(?<=@anonymous).+|(?<=:)0x[0-9a-f]+(?=>)")
"""Where a class without a name was made: in PHP a path, in Ruby an address (`#<Class:0x7f3a>`)."""

RawFrame = tuple[str | None, str | None, str | None]

Rule = Literal["unique", "given", "frames", "foreign", "weak", "text"]


class Grouping(msgspec.Struct, frozen=True):
    """The rule by which an event finds its issue, and the parts that the rule compares."""

    rule: Rule
    parts: tuple[str, ...]


class Names(msgspec.Struct, frozen=True):
    """The names of frames, newest first: `place:function`, of which either may be empty."""

    said: tuple[str, ...] = ()
    places: str = ""
    any_function: bool = False


def fingerprint(event: Event, service: str, environment: str, seq: int) -> str:
    """Return the key of the event's issue: 128 bits as 32 hex digits.

    An issue is of one service and environment.
    """
    return _key(grouping(event, seq), service, environment)


def key_by_trace(event: Event, service: str, environment: str) -> str | None:
    """Return the key if all events with this type and trace have it; None if the text matters."""
    by_trace = None if event.unique else _by_trace(event)
    return None if by_trace is None else _key(by_trace, service, environment)


@lru_cache(maxsize=8_192)
def _key(grouping: Grouping, service: str, environment: str) -> str:
    text = "\0".join((grouping.rule, service, environment, *grouping.parts))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def grouping(event: Event, seq: int) -> Grouping:
    """Return by what the event is grouped within its service and environment.

    If the source says that events are one issue (its `fingerprint`), they are one. A test or
    simulation is an issue of its own: `seq` makes it unique.
    """
    if event.unique:
        return Grouping("unique", (str(seq),))
    return _by_trace(event) or _by_text(event)


def _by_trace(event: Event) -> Grouping | None:
    if event.fingerprint is not None:
        return Grouping("given", (event.fingerprint,))
    names = _names_of_own(event)
    if names.any_function:
        return Grouping("frames", (_type(event), *names.said))
    if names.said:
        return None
    names = _names(_raw(_first_trace(event)))
    if names.any_function:
        return Grouping("foreign", (_type(event), *names.said))
    return None


def _by_text(event: Event) -> Grouping:
    names = _names_of_own(event)
    if names.said:
        return Grouping("weak", (_type(event), names.places, _text(event)))
    return Grouping("text", (_type(event), _text(event)))


def _type(event: Event) -> str:
    name = event.exception_type
    return _UNNAMED.sub("", name) if "anonymous" in name or "0x" in name else name


def _text(event: Event) -> str:
    return blanked(event.message_template or event.message)


def _names_of_own(event: Event) -> Names:
    """Return the names of the application's frames that led to the root cause.

    Where it was raised comes first. The trace of an exception that was raised from it goes on where
    that of the root ends: a library's error says little without who called the library.
    """
    own = _own_frames(event.stacktrace)
    if event.chain and len(own) < KEY_FRAMES:
        links = (_own_frames(link.stacktrace) for link in event.chain)
        callers = next((link for link in links if link), ())
        own += tuple(frame for frame in callers if frame not in own)
    return _names(own)


def _first_trace(event: Event) -> Sequence[Frame]:
    traces = (event.stacktrace, *(link.stacktrace for link in event.chain))
    return next((trace for trace in traces if trace), ())


def _own_frames(trace: Sequence[Frame]) -> tuple[RawFrame, ...]:
    """Return the newest frames of the application; if the source marks none, those not foreign."""
    if not trace:
        return ()
    own = [frame for frame in trace if frame.in_app]
    return _raw(own or [each for each in trace if not is_foreign(each.file, each.module)])


def _raw(trace: Sequence[Frame]) -> tuple[RawFrame, ...]:
    return tuple((each.file, each.module, each.function) for each in trace[:_FRAMES_READ])


@lru_cache(maxsize=4_096)
def _names(own: tuple[RawFrame, ...]) -> Names:
    """Return the names that make the key, newest first.

    Foreign frames that the source marked as the application's are left out if others remain. A
    nameless frame next to another of the same place is left out too, and so is a repetition. If
    frames repeat in turn, it is a recursion, and the turn that broke is chance: the order of these
    frames does not count.
    """
    ours = [frame for frame in own if not is_foreign(frame[0], frame[1])] or list(own)
    named = [name for frame in ours if (name := frame_name(*frame)) is not None]
    kept: list[tuple[str, str]] = []
    recursive = False
    for name in named:
        if kept and (kept[-1] == name or (not name[1] and kept[-1][0] == name[0])):
            continue
        if kept and not kept[-1][1] and kept[-1][0] == name[0]:
            kept[-1] = name
        elif name in kept:
            recursive = True
        else:
            kept.append(name)
        if len(kept) > KEY_FRAMES:
            kept.pop()
            break
    if recursive:
        kept.sort()
    return Names(
        said=tuple(f"{place}:{function}" for place, function in kept),
        places="\n".join(place for place, _ in kept),
        any_function=any(function for _, function in kept),
    )
