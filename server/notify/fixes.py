"""Tell which suspect commits a deploy reverts. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from shared.event import Commit
from shared.text import first_line

_REVERTS = re.compile(r"\bthis\s+reverts\s+commit\s+([0-9a-f]{7,64})\b", re.IGNORECASE)
"""What Git writes, also for a merge: "This reverts commit HASH, reversing changes made to HASH."""
_BRINGS_BACK = re.compile(r'(?:revert\s+"\s*revert\b|reapply\s+")', re.IGNORECASE)
"""How Git begins the message of a revert of a revert; since 2.43 with "Reapply"."""


class Reverted(msgspec.Struct, frozen=True):
    """The commit `by` reverts a suspect."""

    suspect_id: str
    by: Commit


def reverts_in(message: str) -> list[str]:
    """Return the hashes of the commits that a commit with this message reverts, in lower case.

    They may be abbreviated, to 7 characters at least. A revert of a revert reverts nothing: it
    brings back what was reverted.
    """
    if _BRINGS_BACK.match(message.lstrip()):
        return []
    return list(dict.fromkeys(each.lower() for each in _REVERTS.findall(message)))


def is_revert(message: str) -> bool:
    """Return whether a commit with this message is a revert, also one of a revert."""
    return bool(
        _REVERTS.search(message)
        or _BRINGS_BACK.match(message.lstrip())
        or first_line(message).lower().startswith('revert "')
    )


def names(named: str, commit_id: str) -> bool:
    """Return whether `named`, a hash in lower case, is this commit; either may be abbreviated."""
    known = commit_id.lower()
    return known.startswith(named) or (len(known) >= 7 and named.startswith(known))


def reverts_of(commits: Sequence[Commit]) -> list[tuple[str, Commit]]:
    """Return the hashes that a deploy with these commits, oldest first, reverts, and by which.

    A revert that the same deploy reverts again is none.
    """
    taken_back = [each for commit in commits for each in _REVERTS.findall(commit.message)]
    return [
        (named, commit)
        for commit in commits
        for named in reverts_in(commit.message)
        if not any(names(each.lower(), commit.id) for each in taken_back)
    ]


def reverted(
    reverts: Iterable[tuple[str, Commit]], suspects: Sequence[str], messages: Mapping[str, str]
) -> Reverted | None:
    """Return the first of `suspects` that is reverted, if any is.

    `messages` are those of commits, as far as they are known. A suspect that is a revert itself
    counts as none that can be reverted: that brings back what it took away.
    """
    some = list(reverts)
    for suspect_id in suspects:
        if is_revert(messages.get(suspect_id, "")):
            continue
        for named, by in some:
            if names(named, suspect_id):
                return Reverted(suspect_id, by)
    return None


def in_order(suspects: Collection[str], ranked: Sequence[str]) -> list[str]:
    """Return the suspects in the order in which they are ranked now, then those of before."""
    return [each for each in ranked if each in suspects] + sorted(set(suspects).difference(ranked))
