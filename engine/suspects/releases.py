"""Decide whether a deploy brings a release, by any of the names that people give a release."""

import re

from shared.event import ChangeWindow

_HASH = re.compile(r"[0-9a-f]{7,64}")
_NUMBERED = re.compile(r"v\d")


def brings(window: ChangeWindow, release: str | None) -> bool:
    """Return whether this is the deploy of `release`, or `release` names one of its commits.

    `api@1.4.0+37`, `v1.4.0` and `1.4.0` are one release, and `api@3f2a9c1` is that of the commit
    3f2a9c1….
    """
    if not release:
        return False
    wanted = _version(release)
    if any(is_same(name, release) for name in (window.release, window.deploy_id) if name):
        return True
    if not _HASH.fullmatch(wanted):
        return False
    deployed = (window.deploy_id or "").lower()
    return deployed.startswith(wanted) or any(
        commit.id.lower().startswith(wanted) for commit in window.commits
    )


def is_same(release: str, other: str) -> bool:
    """Return whether these are names of one release."""
    wanted, name = _version(other), _version(release)
    return wanted == name or _is_built_of(wanted, name)


def _version(release: str) -> str:
    version = release.rpartition("@")[2].strip().lower()
    return version[1:] if _NUMBERED.match(version) else version


def _is_built_of(wanted: str, name: str) -> bool:
    """Return whether one has what the other was built as after the same version, `1.4.0+37`."""
    version, _, build = wanted.partition("+")
    return name == version if build else name.partition("+")[0] == version
