"""Handle a deploy that is announced again, alike in the server's table and the engine's memory."""

from collections.abc import Sequence

import msgspec

from shared.event import ChangeWindow, Commit

WATCH_S = 1_800.0
"""How long a deploy is watched after it went live; by then there is a verdict at the latest."""


def deploy_identity(window: ChangeWindow) -> str:
    """Return what makes two announcements in one place one deploy: name, newest commit or time."""
    if window.deploy_id is not None:
        return window.deploy_id
    return window.commits[-1].id if window.commits else window.deploy_time.isoformat()


def renewed(known: ChangeWindow, told: ChangeWindow, *, is_newest: bool) -> ChangeWindow:
    """Return the deploy as `told` now, with whatever was `known` of it and is not told again.

    `is_newest` says that nothing else was deployed in its place after `known`. It has the commits
    of the later announcement unless that has none: the news that a deploy has succeeded often names
    no more than a commit. The first news that a pending deploy runs moves it to that time. What
    runs already is no new deploy when it is announced again, and what ran before others goes back.
    """
    new = msgspec.structs.replace(
        told,
        commits=_renewed_commits(known.commits, told.commits),
        cut=told.cut if told.commits else known.cut,
        release=told.release or known.release,
        repository=told.repository or known.repository,
        base=told.base or known.base,
        deployed_by=told.deployed_by or known.deployed_by,
        pending=known.pending,
        ran_since=known.ran_since,
    )
    if told.deploy_time <= known.deploy_time:
        return new
    if known.pending and not told.pending:
        return msgspec.structs.replace(new, pending=False)
    if is_newest:
        return msgspec.structs.replace(new, deploy_time=known.deploy_time)
    return msgspec.structs.replace(new, ran_since=known.ran_since or known.deploy_time)


def _renewed_commits(known: Sequence[Commit], told: Sequence[Commit]) -> list[Commit]:
    if not told:
        return list(known)
    earlier = {commit.id: commit for commit in known}
    return [_renewed_commit(earlier.get(commit.id), commit) for commit in told]


def _renewed_commit(known: Commit | None, told: Commit) -> Commit:
    if known is None:
        return told
    return msgspec.structs.replace(
        told,
        files=told.files or known.files,
        functions=told.functions or known.functions,
        added=known.added if told.added is None else told.added,
        deleted=known.deleted if told.deleted is None else told.deleted,
        url=told.url or known.url,
        author_email=told.author_email or known.author_email,
        author_login=told.author_login or known.author_login,
    )
