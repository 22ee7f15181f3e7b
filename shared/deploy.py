"""What both sides make of a deploy that is told again: server's table and engine's memory agree."""

from collections.abc import Sequence

import msgspec

from shared.event import ChangeWindow, Commit


def renewed(known: ChangeWindow, told: ChangeWindow) -> ChangeWindow:
    """The deploy as it is `told` now, with what was `known` of it and is not told again.

    It has the later telling's time, and its commits unless that has none: the news that a deploy
    has succeeded often names no more than a commit.
    """
    return msgspec.structs.replace(
        told,
        commits=_renewed_commits(known.commits, told.commits),
        cut=told.cut if told.commits else known.cut,
        release=told.release or known.release,
        repository=told.repository or known.repository,
        base=told.base or known.base,
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
