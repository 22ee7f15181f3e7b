"""Find out, in the background, what the announcement of a deploy left out.

A deployment names a commit, but not the commits that are new with it. A push lists files, but not
functions. The commits are found in known pushes or by comparing, the functions in patches; both
need a token. What is found goes into the journal as a change window of the same deploy, so that the
engine and the table get it in the order of everything else. Nobody waits for any of this: alerts go
out with what is known at the time.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import msgspec

from server.github.api import BrokenAnswer, GitHubApi, MustWait, Unreachable
from server.github.history import Found, commits_between
from server.github.inquiries import Inquiries
from server.process import log
from server.process.backoff import Backoff
from server.process.outgoing import open_session
from server.settings.settings import Settings
from server.storage.database import Database
from server.storage.errors import STORAGE_TROUBLE
from server.storage.journal.journal import Journal
from server.storage.main import deploys
from server.storage.main.deploys import StoredDeploy
from shared.event import Commit
from shared.pipe import MAX_LINE_BYTES, ChangeWindowEntry, encode_lines

POLL_S = 3.0
"""How long a deploy may wait to be noticed."""

GIVE_UP_AFTER = timedelta(days=3)
DEPLOYS_AT_ONCE = 10
FIRST_BACKOFF_S = 10.0
MAX_BACKOFF_S = 600.0
MAX_TOLD_BYTES = MAX_LINE_BYTES // 2
MAX_HISTORY = 100
"""How many deploys of a repository are searched for commits."""


class DeployLookup:
    """Looks up one deploy after the other; `api` is None without a token.

    `is_touched` says whether a commit changes a service, because a repository may hold several.
    """

    def __init__(
        self,
        database: Database,
        journal: Journal,
        api: GitHubApi | None,
        is_touched: Callable[[str, Commit], bool],
        *,
        poll_s: float = POLL_S,
        first_backoff_s: float = FIRST_BACKOFF_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Set up the lookup. `draw` gives numbers from 0 up to 1."""
        self._database = database
        self._journal = journal
        self._inquiries = Inquiries(api) if api is not None else None
        self._is_touched = is_touched
        self._poll_s = poll_s
        self._backoff = Backoff(first_backoff_s, MAX_BACKOFF_S, draw)
        self._now = now

    async def run(self) -> None:
        """Look up what comes, until cancelled."""
        while True:
            pause_s = await self.turn()
            await asyncio.sleep(pause_s)

    async def turn(self) -> float:
        """Look up what waits; return for how many seconds to leave it alone then."""
        try:
            since = self._now() - GIVE_UP_AFTER
            for deploy in await self._database.read_at_once(
                lambda tx: deploys.to_look_up(tx, since, DEPLOYS_AT_ONCE)
            ):
                await self._look_up(deploy)
        except MustWait as wait:
            log.server(
                logging.WARNING,
                f"GitHub is asked nothing for {wait.pause_s:.0f} s: {wait}. No alert waits for it",
            )
            return wait.pause_s
        except (BrokenAnswer, Unreachable, *STORAGE_TROUBLE) as trouble:
            backoff_s = self._backoff.failed()
            log.server(
                logging.WARNING, f"deploys not looked up: {trouble}; again in {backoff_s:.1f} s"
            )
            return backoff_s
        self._backoff.forget()
        return self._poll_s

    async def _look_up(self, deploy: StoredDeploy) -> None:
        """Find out about one deploy; if GitHub wants a pause, what is known is told already."""
        found = deploy
        if not deploy.commits or deploy.cut:
            found = await self._with_commits(deploy)
        commits = list(found.commits)
        pause = None
        try:
            if self._inquiries is not None:
                await self._inquiries.fill(deploy.repository or "", commits)
        except (MustWait, BrokenAnswer, Unreachable) as error:
            pause = error
        if commits and commits != deploy.commits:
            await self._tell(msgspec.structs.replace(found, commits=commits))
        if pause is not None:
            raise pause
        async with self._database.write() as tx:
            await deploys.set_looked_up(tx, deploy, self._now())

    async def _with_commits(self, deploy: StoredDeploy) -> StoredDeploy:
        """Return the deploy with the commits that it brought, as far as they can be found."""
        repository = deploy.repository or ""
        async with self._database.read() as tx:
            earlier = await deploys.before(tx, deploy)
            known = await deploys.of_repository(tx, repository, MAX_HISTORY)
        base = deploy.base
        if base is None and earlier is not None and earlier.repository == repository:
            base = earlier.deploy_id
        others = [other for other in known if other.id != deploy.id]
        found = commits_between(others, deploy.service, base, deploy.deploy_id)
        if not found.is_whole:
            found = await self._compared(deploy, base) or found
        if len(found.commits) <= len(deploy.commits):
            return deploy
        return msgspec.structs.replace(deploy, commits=found.commits, cut=found.cut, base=base)

    async def _compared(self, deploy: StoredDeploy, base: str | None) -> Found | None:
        """Return what GitHub says is between the two, with its files; None if it does not say."""
        if self._inquiries is None:
            return None
        repository = deploy.repository or ""
        between = await self._inquiries.between(repository, base, deploy.deploy_id)
        if between is None:
            return None
        told = {commit.id: commit for commit in deploy.commits}
        commits = [told.get(commit.id, commit) for commit in between.commits]
        await self._inquiries.fill(repository, commits)
        own = [commit for commit in commits if self._is_touched(deploy.service, commit)]
        return Found(own, between.cut)

    async def _tell(self, found: StoredDeploy) -> None:
        """Append what was found as the same deploy, with the time that it has by now."""
        async with self._database.read() as tx:
            current = await deploys.get(tx, found.id)
        deployed_at = current.deployed_at if current is not None else found.deployed_at
        entry = ChangeWindowEntry(
            service=found.service,
            environment=found.environment,
            deploy_time=deployed_at,
            commits=found.commits,
            deploy_id=found.deploy_id,
            release=found.release,
            cut=found.cut,
            repository=found.repository,
            base=found.base,
            deployed_by=found.deployed_by,
        )
        line = encode_lines([entry])
        if len(line) > MAX_TOLD_BYTES:
            log.server(logging.WARNING, f"{found.deploy_id} is too large to be told: {len(line)} B")
            return
        # If told again after a crash, it is the same and makes no second entry.
        await self._journal.append((entry,), f"looked up {line.decode()}")
        functions = sum(len(commit.functions) for commit in found.commits)
        log.server(
            logging.INFO,
            f"looked up deploy {found.deploy_id} of {found.service}/{found.environment}: "
            f"{len(found.commits)} commits, {functions} functions",
        )


@contextlib.asynccontextmanager
async def open_lookup(
    settings: Settings,
    database: Database,
    journal: Journal,
    is_touched: Callable[[str, Commit], bool],
) -> AsyncIterator[DeployLookup]:
    """Yield a lookup as the settings want it; the caller runs its `run` as a task.

    Without `GITHUB_TOKEN`, GitHub is asked nothing, and only known pushes are looked through::

        async with (
            open_lookup(settings, database, journal, services.is_touched) as lookup,
            background.running("look up deploys", lookup.run()),
        ):
            yield
    """
    async with open_session(settings.outgoing_networks) as session:
        api = None
        if settings.github_token is not None:
            api = GitHubApi(session, settings.github_api_url, settings.github_token)
        yield DeployLookup(database, journal, api, is_touched)
