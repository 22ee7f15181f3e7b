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


def renewed(known: ChangeWindow, told: ChangeWindow) -> ChangeWindow:
    """Return the deploy as `told` now, with whatever was `known` of it and is not told again.

    It has the time of the later announcement, and its commits unless that has none: the news that a
    deploy has succeeded often names no more than a commit.
    """
    return msgspec.structs.replace(
        told,
        commits=_renewed_commits(known.commits, told.commits),
        cut=told.cut if told.commits else known.cut,
        release=told.release or known.release,
        repository=told.repository or known.repository,
        base=told.base or known.base,
        deployed_by=told.deployed_by or known.deployed_by,
    )


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
    )
