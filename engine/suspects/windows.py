"""Prepare a change window for searching, once for each deploy; every error uses the result."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from engine.stack.functions import changed_functions
from engine.stack.own_places import Place
from engine.stack.paths import agreement, repository_path, stem
from engine.suspects.commit_kinds import kinds
from engine.suspects.words import words
from shared.event import ChangeWindow, Commit

MAX_MESSAGE = 2000
"""How many characters of a commit's message are read for words."""


class PreparedWindow:
    """The commits of one deploy, ready to be asked what they touch and what they say.

    What only some errors need is worked out on first use, and kept.
    """

    def __init__(self, window: ChangeWindow) -> None:
        self.window = window
        self.commits: Sequence[Commit] = window.commits
        self.kinds = kinds(window.commits)
        self._stems = [_stems(commit.files) for commit in window.commits]
        self._functions: dict[int, frozenset[str]] = {}

    def touching(self, places: Sequence[Place]) -> list[dict[int, tuple[float, str]]]:
        """Return for each place, by commit, how surely it touches the place's file, and which."""
        found: list[dict[int, tuple[float, str]]] = [{} for _ in places]
        at: dict[str, list[int]] = {}
        for number, place in enumerate(places):
            if place.path:
                for name in {place.path[-1], stem(place.path[-1])} - {""}:
                    at.setdefault(name, []).append(number)
        names = frozenset(at)
        for index, stems in enumerate(self._stems):
            if names.isdisjoint(stems):
                continue
            for name, path in zip(stems, self.commits[index].files, strict=True):
                if name not in names:
                    continue
                changed = repository_path(path)
                for number in at[name]:
                    surely = agreement(places[number].path, changed)
                    if surely > found[number].get(index, (0.0, ""))[0]:
                        found[number][index] = (surely, path)
        return found

    def functions(self, index: int) -> frozenset[str]:
        """Return the names of the functions that a commit touches; empty if nobody told."""
        known = self._functions.get(index)
        if known is None:
            names = self.commits[index].functions
            plain = frozenset([name.lower() for name in names if name.isidentifier()])
            headers = [changed_functions(name) for name in names if not name.isidentifier()]
            known = self._functions[index] = plain.union(*headers)
        return known

    @cached_property
    def calling(self) -> dict[str, list[int]]:
        """Return the commits that touch a function of each name, wherever it is."""
        found: dict[str, list[int]] = {}
        for index in range(len(self.commits)):
            for name in self.functions(index):
                found.setdefault(name, []).append(index)
        return found

    @cached_property
    def said(self) -> list[frozenset[str]]:
        """Return the words of each commit's message."""
        return [words(commit.message[:MAX_MESSAGE]) for commit in self.commits]

    @cached_property
    def saying(self) -> Counter[str]:
        """Return how many commits' messages have each word."""
        return Counter(word for said in self.said for word in said)


def prepare(window: ChangeWindow) -> PreparedWindow:
    """Index a deploy; keep the result as long as the window is remembered."""
    return PreparedWindow(window)


def _stems(files: Sequence[str]) -> list[str]:
    """Return the names of these files without directories and extension, as `stem` gives them."""
    lowered = [path.lower().replace("\\", "/") for path in files]
    return [path.rsplit("/", 1)[-1].rsplit(".", 1)[0] for path in lowered]
