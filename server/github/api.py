"""Sends questions to GitHub's REST API, one at a time, each with a limit in time and size."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    hdrs,
)
from yarl import URL

from server.github.limits import Broken, GoodAnswer, NoSuchThing, NotNow, read_answer
from server.github.rest import RestCommit, RestComparison, read_commit
from server.process.outgoing import why_not_connected
from shared.event import MAX_COMMITS, Commit

TIMEOUT_S = 20.0
MAX_ANSWER_BYTES = 32 * 1024 * 1024
PAGE = 100
MAX_REDIRECTS = 3

_REDIRECTS = frozenset({301, 302, 307, 308})

_REPOSITORY = re.compile(r"(?!\.\.?/)[\w.-]+/(?!\.\.?$)[\w.-]+", re.ASCII)

S = TypeVar("S", bound=msgspec.Struct)


class Unanswerable(Exception):
    """GitHub has no answer to this question, and never will."""


class BrokenAnswer(Exception):
    """GitHub failed at this question; it may answer the same one later, or never."""


class Unreachable(Exception):
    """GitHub cannot be reached; the same question may be answered later."""


class MustWait(Exception):
    """Nothing may be asked for `pause_s` seconds."""

    def __init__(self, reason: str, pause_s: float) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class Comparison(msgspec.Struct, frozen=True):
    """The commits that one commit has over another, oldest first, without their files.

    `cut` is how many older ones are left out.
    """

    commits: list[Commit]
    cut: int


class GitHubApi:
    """GitHub's REST API at `base_url`, used as the owner of `token`.

    `now_s` gives UTC in seconds since the epoch.
    """

    def __init__(
        self,
        session: ClientSession,
        base_url: str,
        token: str,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._base_url = base_url
        self._token = token
        self._now_s = now_s
        self._not_before_s = 0.0

    async def commit(self, repository: str, name: str) -> Commit:
        """Return a commit as `read_commit` makes it.

        Raises `Unanswerable`, `BrokenAnswer`, `Unreachable` or `MustWait`.
        """
        path = f"/repos/{_checked(repository)}/commits/{quote(name, safe='')}"
        rest = await self._get(path, RestCommit)
        # A patch may have a hundred thousand lines; no request should wait for that.
        return await asyncio.to_thread(read_commit, rest)

    async def compare(self, repository: str, base: str, head: str) -> Comparison:
        """Return the newest commits that `head` has and `base` has not; raise as `commit` does."""
        path = (
            f"/repos/{_checked(repository)}/compare/{quote(base, safe='')}...{quote(head, safe='')}"
        )
        first = await self._get(f"{path}?per_page={PAGE}&page=1", RestComparison)
        last_page = -(-first.total_commits // PAGE)
        # Pages go from old to new. If there are many, the last ones are wanted.
        from_page = max(1, last_page + 1 - MAX_COMMITS // PAGE)
        commits = list(first.commits) if from_page == 1 else []
        for page in range(max(2, from_page), last_page + 1):
            more = await self._get(f"{path}?per_page={PAGE}&page={page}", RestComparison)
            commits += more.commits
        return Comparison(
            [read_commit(each) for each in commits], first.total_commits - len(commits)
        )

    async def _get(self, path: str, struct: type[S]) -> S:
        pause_s = self._not_before_s - self._now_s()
        if pause_s > 0:
            raise MustWait("the rate limit", pause_s)
        url = URL(self._base_url + path, encoded=True)
        for _ in range(MAX_REDIRECTS + 1):
            response, body = await self._ask(url)
            location = response.headers.get(hdrs.LOCATION)
            if response.status not in _REDIRECTS or location is None:
                break
            # A repository that was renamed. The token is for this server alone.
            target = url.join(URL(location, encoded=True))
            if target.origin() != url.origin():
                raise Unanswerable("GitHub redirects to another server")
            url = target
        meaning = read_answer(response.status, response.headers, body, self._now_s())
        match meaning:
            case NotNow(reason, wait_s):
                self._not_before_s = self._now_s() + wait_s
                raise MustWait(reason, wait_s)
            case NoSuchThing(reason):
                raise Unanswerable(reason)
            case Broken(reason):
                raise BrokenAnswer(reason)
            case GoodAnswer(wait_s) if wait_s:
                self._not_before_s = self._now_s() + wait_s
        try:
            return msgspec.json.decode(body, type=struct)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unanswerable(f"the answer cannot be read: {error}") from error

    async def _ask(self, url: URL) -> tuple[ClientResponse, bytearray]:
        try:
            async with self._session.get(
                url,
                headers={
                    "Accept": "application/vnd.github+json",
                    "Authorization": f"Bearer {self._token}",
                    "User-Agent": "PushLog",
                    "X-GitHub-Api-Version": "2022-11-28",
                },
                timeout=ClientTimeout(total=TIMEOUT_S),
                allow_redirects=False,
            ) as response:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise Unanswerable("the answer is too large")
                return response, body
        except TimeoutError as error:
            raise BrokenAnswer(f"no answer within {TIMEOUT_S:.0f} s") from error
        except ClientConnectorError as error:
            raise Unreachable(f"GitHub cannot be reached: {why_not_connected(error)}") from error
        except ClientError as error:
            raise Unreachable(f"GitHub cannot be reached: {error!r}") from error


def _checked(repository: str) -> str:
    """Return the name, which comes from outside, as a part of a path; raise `Unanswerable`."""
    if not _REPOSITORY.fullmatch(repository):
        raise Unanswerable(f"{repository!r} is no name of a repository")
    return repository
