"""Decide whether a deploy brings a release, by any of the names that people give a release."""

import re

from shared.event import ChangeWindow

_HASH = re.compile(r"[0-9a-f]{7,64}")


def brings(window: ChangeWindow, release: str | None) -> bool:
    """Return whether this is the deploy of `release`, or `release` names one of its commits.

    `api@1.4.0` and `1.4.0` are one release, and `api@3f2a9c1` is that of the commit 3f2a9c1….
    """
    if not release:
        return False
    wanted = _version(release)
    if wanted in (_version(name) for name in (window.release, window.deploy_id) if name):
        return True
    if not _HASH.fullmatch(wanted):
        return False
    deployed = (window.deploy_id or "").lower()
    return deployed.startswith(wanted) or any(
        commit.id.lower().startswith(wanted) for commit in window.commits
    )


def _version(release: str) -> str:
    return release.rpartition("@")[2].strip().lower()
