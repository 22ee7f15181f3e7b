"""Find where an error happened: the application's own frames, as places to compare."""

import re
from collections.abc import Sequence

import msgspec

from engine.stack.functions import frame_functions
from engine.stack.libraries import is_library
from engine.stack.paths import Components, frame_path
from shared.event import ChainedException, Frame

_EXECUTES = re.compile(r"_*(?:do_?)?exec(?:ute)?\w*", re.IGNORECASE)

MAX_PLACES = 60
"""Places beyond this depth have no visible weight."""


class Place(msgspec.Struct, frozen=True):
    """One place in the code on the way to the error.

    `depth` is 0 for the place nearest to the error; `file` and `function` are as they are written,
    for people and for the words in them.
    """

    path: Components
    functions: frozenset[str]
    file: str
    function: str
    depth: int


def places(stacktrace: Sequence[Frame], chain: Sequence[ChainedException]) -> list[Place]:
    """Return the application's own places of all links, nearest first, each once.

    Recursion says no more than one call. Each exception of the chain begins one step farther away
    than the one that it was raised from. If no frame is marked as the application's, all frames are
    taken except those of known libraries.
    """
    links = [
        [frame for frame in link if not is_library(frame.file, frame.module)]
        for link in (stacktrace, *(link.stacktrace for link in chain))
    ]
    marks = {frame.in_app for link in links for frame in link}
    wanted = next((mark for mark in (True, None, False) if mark in marks), None)
    found: dict[tuple[Components, frozenset[str]], Place] = {}
    for number, link in enumerate(links):
        in_link: set[tuple[Components, frozenset[str]]] = set()
        for frame in link:
            if frame.in_app is not wanted:
                continue
            place = _place(frame, number + len(in_link))
            key = (place.path, place.functions)
            if any(key) and key not in in_link:
                in_link.add(key)
                if key not in found or place.depth < found[key].depth:
                    found[key] = place
    return _without_plumbing(sorted(found.values(), key=lambda place: place.depth))[:MAX_PLACES]


def _without_plumbing(nearest_first: list[Place]) -> list[Place]:
    """Return the places with those last that only execute what they are given.

    A database refuses a statement in the driver, under layers that pass it on. Whoever made the
    statement is below them. If nothing is below, nothing is moved.
    """
    above = 0
    while above < len(nearest_first) and _EXECUTES.fullmatch(nearest_first[above].function):
        above += 1
    if above == len(nearest_first):
        return nearest_first
    others = nearest_first[above:] + nearest_first[:above]
    depths = [place.depth for place in nearest_first]
    return [
        msgspec.structs.replace(place, depth=depth)
        for place, depth in zip(others, depths, strict=True)
    ]


def _place(frame: Frame, depth: int) -> Place:
    names = frame_functions(frame.function, frame.module, frame.file)
    return Place(
        path=frame_path(frame.file, frame.module),
        functions=frozenset(name.lower() for name in names),
        file=frame.file or frame.module or "",
        function=names[0] if names else "",
        depth=depth,
    )
