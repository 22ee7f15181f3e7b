"""Asks GitHub about commits: each question once, and not forever."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from server.github.api import BrokenAnswer, Comparison, GitHubApi, Unanswerable
from server.process import log
from shared.commits.declarations import finder_for
from shared.event import Commit

MAX_ASKED_COMMITS = 50
"""How many of a deploy's newest commits have their patches read, at one request each."""

MAX_TRIES = 3
"""How often GitHub may fail at one question before the failure is taken for the answer."""

MAX_CACHED = 2000

T = TypeVar("T")


class Inquiries:
    """Asks GitHub and remembers its answers. Missing answers are not taken for answers.

    Everything here raises `MustWait`, `Unreachable` or `BrokenAnswer`. The same may then be asked
    later, and what was answered until then is not asked again.
    """

    def __init__(self, api: GitHubApi) -> None:
        self._api = api
        self._commits: OrderedDict[tuple[str, str], Commit | None] = OrderedDict()
        self._failures: dict[str, int] = {}

    async def between(self, repository: str, base: str | None, head: str) -> Comparison | None:
        """Return the commits that came with `head` after `base`; if `base` is unknown, only `head`.

        Returns None if GitHub knows nothing of it.
        """
        if base is not None:
            question = f"{repository} {base}...{head}"
            return await self._answer(question, lambda: self._api.compare(repository, base, head))
        commit = await self._commit(repository, head)
        return None if commit is None else Comparison([commit], cut=1)

    async def fill(self, repository: str, commits: list[Commit]) -> None:
        """Put into the newest of `commits`, in place, what their patches say.

        If this raises, the commits that were answered until then are in place.
        """
        for at in _newest(commits):
            commit = commits[at]
            worth = not commit.files or any(finder_for(file) for file in commit.files)
            if worth and not commit.functions:
                details = await self._commit(repository, commit.id)
                if details is not None:
                    commits[at] = _filled(commit, details)

    async def _commit(self, repository: str, name: str) -> Commit | None:
        key = repository, name
        if key not in self._commits:
            self._commits[key] = await self._answer(
                f"{repository} {name}", lambda: self._api.commit(repository, name)
            )
            if len(self._commits) > MAX_CACHED:
                self._commits.popitem(last=False)
        self._commits.move_to_end(key)
        return self._commits[key]

    async def _answer(self, question: str, ask: Callable[[], Awaitable[T]]) -> T | None:
        answer = None
        try:
            answer = await ask()
        except Unanswerable as error:
            log.server(logging.INFO, f"GitHub knows nothing of {question}: {error}")
        except BrokenAnswer as error:
            self._failures[question] = self._failures.get(question, 0) + 1
            if self._failures[question] < MAX_TRIES:
                raise
            log.server(logging.WARNING, f"GitHub fails at {question}, which is left: {error}")
        self._failures.pop(question, None)
        return answer


def _newest(commits: Sequence[Commit]) -> range:
    """Return the places of the newest commits, from the last on."""
    return range(len(commits) - 1, max(-1, len(commits) - 1 - MAX_ASKED_COMMITS), -1)


def _filled(commit: Commit, details: Commit) -> Commit:
    return msgspec.structs.replace(
        commit,
        files=commit.files or details.files,
        functions=details.functions,
        added=details.added if commit.added is None else commit.added,
        deleted=details.deleted if commit.deleted is None else commit.deleted,
        url=commit.url or details.url,
    )
