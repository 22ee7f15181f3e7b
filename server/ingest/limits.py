"""Cuts the parts of an event that are longer than an event may hold, and notes the cut."""

from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from server.ingest.notes import Notes
from shared.event import (
    MAX_CHAIN,
    MAX_COMMITS,
    MAX_FILES,
    MAX_FRAMES,
    MAX_FUNCTIONS,
    ChainedException,
    ChangeWindow,
    Frame,
)

Chain = Annotated[list[ChainedException], msgspec.Meta(max_length=MAX_CHAIN)]

T = TypeVar("T")

_window = msgspec.json.Decoder(ChangeWindow)
_trace = msgspec.json.Decoder(list[Frame])


def without_middle(frames: list[T], path: str, notes: Notes) -> list[T]:
    """Return at most 200 frames, the newest and the oldest; note any cut under `path`."""
    if len(frames) <= MAX_FRAMES:
        return frames
    notes.add(f"{path}: {len(frames)} frames, of which the middle is left out")
    half = MAX_FRAMES // 2
    return frames[:half] + frames[-half:]


def read_stacktrace(part: msgspec.Raw, notes: Notes) -> list[Frame]:
    """Return the frames in `part`; raise `msgspec.DecodeError` if it breaks another rule."""
    return without_middle(_trace.decode(part), "stacktrace", notes)


def read_chain(part: msgspec.Raw, notes: Notes) -> list[ChainedException]:
    """Return the exceptions in `part`; raise `msgspec.DecodeError` as `read_stacktrace` does."""
    chain = msgspec.json.decode(part)
    for at, link in enumerate(chain if isinstance(chain, list) else ()):
        match link:
            case {"stacktrace": [*frames]}:
                link["stacktrace"] = without_middle(frames, f"chain[{at}].stacktrace", notes)
    return msgspec.convert(chain, Chain)


def read_change_window(part: msgspec.Raw) -> ChangeWindow:
    """Return the window in `part`, with only the newest commits if it is too long.

    The cut is counted. What PushLog finds out itself is left out. Raises `msgspec.DecodeError` if
    `part` breaks another rule.
    """
    try:
        window = _window.decode(part)
    except msgspec.ValidationError:
        window = msgspec.convert(_cut_to_limits(msgspec.json.decode(part)), ChangeWindow)
    return msgspec.structs.replace(window, push=None, pending=False, ran_since=None)


def _cut_to_limits(window: object) -> object:
    match window:
        case {"commits": [*commits], **others}:
            newest = _newest(commits)
            cuts = [_cut_commit(commit) for commit in newest]
            left_out = len(commits) - len(newest) + sum(count for _, count in cuts)
            if left_out:
                cut = others.get("cut", 0)
                # A value that is not a count stays as it is, so that its own rule refuses it.
                counted = cut + left_out if type(cut) is int else cut
                return {**others, "commits": [commit for commit, _ in cuts], "cut": counted}
    return window


def _cut_commit(commit: object) -> tuple[object, int]:
    """Return the commit with as many names as are allowed, and how many were left out."""
    if not isinstance(commit, dict):
        return commit, 0
    fitting, left_out = dict(commit), 0
    for name, limit in (("files", MAX_FILES), ("functions", MAX_FUNCTIONS)):
        names = fitting.get(name)
        if isinstance(names, list) and len(names) > limit:
            fitting[name] = names[:limit]
            left_out += len(names) - limit
    return fitting, left_out


def _newest(commits: list[object]) -> list[object]:
    """Return the newest commits by their times or, without times, by their order.

    The order is oldest first, as in a push.
    """
    if len(commits) <= MAX_COMMITS:
        return commits
    times = [time for commit in commits if (time := _time(commit)) is not None]
    if len(times) < len(commits):
        return commits[-MAX_COMMITS:]
    by_time = sorted(range(len(commits)), key=lambda at: (times[at], at))
    return [commits[at] for at in sorted(by_time[-MAX_COMMITS:])]


def _time(commit: object) -> datetime | None:
    match commit:
        case {"timestamp": str(text)}:
            try:
                time = datetime.fromisoformat(text)
            except ValueError:
                return None
            return time if time.tzinfo is not None else None
    return None
