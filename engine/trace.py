"""Where an error happened: the frames that are the application's own, as places to compare."""

from collections.abc import Iterable, Sequence

import msgspec

from engine.functions import frame_functions
from engine.libraries import is_library
from engine.paths import Components, frame_path
from shared.event import ChainedException, Frame

MAX_PLACES = 60
"""Places beyond this depth weigh nothing that could be seen."""


class Place(msgspec.Struct, frozen=True):
    """One place of the code on the way to the error.

    `depth` is 0 for the place nearest to the error; `file` and `function` are as they are written,
    for people and for the words in them.
    """

    path: Components
    functions: frozenset[str]
    file: str
    function: str
    depth: int


def places(stacktrace: Sequence[Frame], chain: Sequence[ChainedException]) -> list[Place]:
    """The application's own places of all links, newest first, each once (recursion says no more).

    Where no frame is marked as the application's, all are taken but those of known libraries.
    """
    outside = [
        frame for frame in _frames(stacktrace, chain) if not is_library(frame.file, frame.module)
    ]
    own = [frame for frame in outside if frame.in_app]
    unmarked = [frame for frame in outside if frame.in_app is None]
    found: dict[tuple[Components, frozenset[str]], Place] = {}
    for frame in own or unmarked or outside:
        path = frame_path(frame.file, frame.module)
        names = frame_functions(frame.function, frame.module, frame.file)
        functions = frozenset(name.lower() for name in names)
        if path or functions:
            file = frame.file or frame.module or ""
            place = Place(path, functions, file, names[0] if names else "", len(found))
            found.setdefault((path, functions), place)
            if len(found) == MAX_PLACES:
                break
    return list(found.values())


def _frames(stacktrace: Sequence[Frame], chain: Sequence[ChainedException]) -> Iterable[Frame]:
    yield from stacktrace
    for link in chain:
        yield from link.stacktrace
