"""Find which commits touch which places of a trace."""

from collections.abc import Sequence

import msgspec

from engine.stack.own_places import Place
from engine.stack.paths import PARTIAL
from engine.suspects.windows import PreparedWindow


class Touch(msgspec.Struct, frozen=True):
    """A commit's touch of a place: which file, how surely, and which function of it.

    `path` is empty if only the function's name agrees. `touched_by` is how many commits of the
    deploy touch this place's file, including this one.
    """

    place: Place
    path: str
    surely: float
    function: str | None
    touched_by: int


Touches = list[list[list[Touch]]]
"""By window and commit, in the order of the trace."""


def find_touches(where: Sequence[Place], windows: Sequence[PreparedWindow]) -> Touches:
    """Return the places that each commit touches.

    If no commit touches a file of the trace (for example, with a bundle without source map), this
    uses the names of functions alone.
    """
    return _by_file(where, windows) or _by_function(where, windows)


def _by_file(where: Sequence[Place], windows: Sequence[PreparedWindow]) -> Touches:
    answer: Touches = []
    any_found = False
    for window in windows:
        touches: list[list[Touch]] = [[] for _ in window.commits]
        for place, by_commit in zip(where, window.touching(where), strict=True):
            for index, (surely, path) in by_commit.items():
                function = min(place.functions & window.functions(index), default=None)
                touches[index].append(Touch(place, path, surely, function, len(by_commit)))
                any_found = True
        answer.append(touches)
    return answer if any_found else []


def _by_function(where: Sequence[Place], windows: Sequence[PreparedWindow]) -> Touches:
    answer: Touches = []
    for window in windows:
        touches: list[list[Touch]] = [[] for _ in window.commits]
        for place in where:
            name = min(place.functions, default="")
            calling = window.calling.get(name, [])
            for index in calling:
                touches[index].append(Touch(place, "", PARTIAL, name, len(calling)))
        answer.append(touches)
    return answer
