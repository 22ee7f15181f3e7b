"""Which commits touch which places of a trace."""

from collections.abc import Sequence

import msgspec

from engine.paths import PARTIAL
from engine.trace import Place
from engine.windows import PreparedWindow


class Touch(msgspec.Struct, frozen=True):
    """A commit touches a place: which file, how surely, and which function of it.

    `path` is empty where only the function's name agrees. `told` is whether anybody said which
    functions the commit touches; `touched_by` is how many commits touch this place's file.
    """

    place: Place
    path: str
    surely: float
    function: str | None
    told: bool
    touched_by: int


Touches = list[list[list[Touch]]]
"""By window and commit, in the order of the trace."""


def find_touches(where: Sequence[Place], windows: Sequence[PreparedWindow]) -> Touches:
    """The places that each commit touches.

    Where no file of the trace is touched by any commit (a bundle without source map, say), the
    names of functions alone have to serve.
    """
    return _by_file(where, windows) or _by_function(where, windows)


def _by_file(where: Sequence[Place], windows: Sequence[PreparedWindow]) -> Touches:
    found = [window.touching(where) for window in windows]
    counts = [sum(len(places[n]) for places in found) for n in range(len(where))]
    answer: Touches = []
    for window, by_place in zip(windows, found, strict=True):
        touches: list[list[Touch]] = [[] for _ in window.commits]
        for place, by_commit, count in zip(where, by_place, counts, strict=True):
            for index, (surely, path) in by_commit.items():
                names = window.functions(index)
                function = min(place.functions & names, default=None)
                touches[index].append(Touch(place, path, surely, function, bool(names), count))
        answer.append(touches)
    return answer if any(counts) else []


def _by_function(where: Sequence[Place], windows: Sequence[PreparedWindow]) -> Touches:
    answer: Touches = [[[] for _ in window.commits] for window in windows]
    for place in where:
        for name in sorted(place.functions)[:1]:
            calling = [window.calling.get(name, ()) for window in windows]
            count = sum(map(len, calling))
            for touches, indexes in zip(answer, calling, strict=True):
                for index in indexes:
                    touches[index].append(Touch(place, "", PARTIAL, name, True, count))
    return answer
