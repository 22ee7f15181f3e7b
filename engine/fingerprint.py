"""Decide which events are one issue. docs/FINGERPRINTS.md has the rules by language.

Keys are memoised by the trace before it is normalised, because most events repeat an earlier one.
The memo is bounded and changes no answer.
"""

from functools import lru_cache
from hashlib import blake2b

from engine.stack.messages import blanked
from engine.stack.names import frame_name, is_foreign
from shared.event import Event, Frame

RULES_VERSION = 2
"""Raise this whenever the rules give some event another key than before."""

KEY_FRAMES = 4
"""Frames in a key: the one that raised, and enough callers to tell who used a shared helper."""

_FRAMES_READ = 16

RawFrame = tuple[str | None, str | None, str | None]


def fingerprint(event: Event, service: str, environment: str, seq: int) -> str:
    """Return the key of the event's issue: 128 bits as 32 hex digits.

    If the source says that events are one issue (its `fingerprint`), they are one issue of the
    service and environment. A test or simulation is an issue of its own: `seq` makes it unique.
    """
    if event.unique:
        return _hash("unique", service, environment, str(seq))
    if event.fingerprint is not None:
        return _hash("given", service, environment, event.fingerprint)
    trace = event.stacktrace or _first_trace(event)
    if trace and (own := _own_frames(trace)):
        key = _key_of_frames(service, environment, event.exception_type, own)
        if key is not None:
            return key
        places = _key_of_places(own)
        return _hash(
            "weak", service, environment, event.exception_type, places, blanked(event.message)
        )
    return _hash("text", service, environment, event.exception_type, blanked(event.message))


def _first_trace(event: Event) -> list[Frame]:
    """Return the trace of the first exception in the chain that has one."""
    return next((link.stacktrace for link in event.chain if link.stacktrace), [])


def _own_frames(trace: list[Frame]) -> tuple[RawFrame, ...]:
    """Return the newest frames of the application; if the source marks none, those not foreign."""
    own = [(f.file, f.module, f.function) for f in trace if f.in_app]
    if own:
        return tuple(own[:_FRAMES_READ])
    unmarked = [(f.file, f.module, f.function) for f in trace if not is_foreign(f.file, f.module)]
    return tuple(unmarked[:_FRAMES_READ])


@lru_cache(maxsize=65_536)
def _key_of_frames(
    service: str, environment: str, exception_type: str, own: tuple[RawFrame, ...]
) -> str | None:
    """Return the key of named frames, or None if no frame has a function name that lasts."""
    names = _names(own)
    if not any(function for _, function in names):
        return None
    return _hash("frames", service, environment, exception_type, *(f"{p}:{f}" for p, f in names))


@lru_cache(maxsize=4_096)
def _key_of_places(own: tuple[RawFrame, ...]) -> str:
    return "\n".join(place for place, _ in _names(own))


def _names(own: tuple[RawFrame, ...]) -> list[tuple[str, str]]:
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
    return sorted(kept) if recursive else kept


def _hash(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
