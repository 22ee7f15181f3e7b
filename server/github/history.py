"""Finds the commits that a deploy brought, from the known pushes: no network, no database."""

from collections.abc import Iterable

import msgspec

from server.storage.main.deploys import StoredDeploy
from shared.event import Commit


class Found(msgspec.Struct, frozen=True):
    """Commits, oldest first; at least `cut` more lie between the two ends."""

    commits: list[Commit]
    cut: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether these are all commits."""
        return self.cut == 0


def commits_between(
    known: Iterable[StoredDeploy], service: str, base: str | None, head: str
) -> Found:
    """Return the commits of `service` from after `base` up to `head`, in one repository's deploys.

    Each deploy leads from its `base` to its `deploy_id`, so a chain of them leads back from `head`.
    If the chain does not reach `base`, there are more commits than those found. A push that touched
    only other services is a link of the chain with nothing in it. Without a `base` (nothing ran
    there before), the result is the deploy of `head` alone.
    """
    leading_to: dict[str, list[StoredDeploy]] = {}
    for deploy in known:
        leading_to.setdefault(deploy.deploy_id, []).append(deploy)
    commits: list[Commit] = []
    at = head
    seen: set[str] = set()
    while at != base and at not in seen:
        seen.add(at)
        link = _link(leading_to.get(at, []), service)
        if link is None:
            return Found(commits, cut=1)
        ids = [commit.id for commit in link.commits]
        if base in ids:
            return Found(link.commits[ids.index(base) + 1 :] + commits)
        if link.service == service:
            commits = link.commits + commits
        if base is None or link.base is None:
            return Found(commits, cut=link.cut if base is None else 1)
        if link.cut:
            return Found(commits, cut=1)
        at = link.base
    return Found(commits, cut=0 if at == base else 1)


def _link(deploys: list[StoredDeploy], service: str) -> StoredDeploy | None:
    """Return the most telling of the deploys to one commit: of the service, with commits."""
    links = [deploy for deploy in deploys if deploy.base is not None or deploy.commits]
    return max(
        links,
        key=lambda deploy: (
            deploy.service == service,
            deploy.base is not None,
            len(deploy.commits),
        ),
        default=None,
    )
