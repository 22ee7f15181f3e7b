"""The ids in an entry, by which people look for the webhook that made it."""

import re

import msgspec

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


class _Commit(msgspec.Struct):
    id: str


class _Push(msgspec.Struct):
    commits: list[_Commit] = []


class _Window(msgspec.Struct):
    deploy_id: str | None = None
    release: str | None = None
    base: str | None = None
    commits: list[_Commit] = []
    push: _Push | None = None


class _Entry(_Window):
    """What an event, a deploy, and the news of an issue name, flat as they are on the pipe."""

    event_id: str | None = None
    issue_id: str | None = None
    trace_id: str | None = None
    change_window: _Window | None = None


_entry = msgspec.json.Decoder(_Entry).decode


def ids_of(body: bytes) -> set[str]:
    """Return the canonical ids of the event, issue, trace, release, deploy and commits.

    There are none in an entry that cannot be read.
    """
    try:
        entry = _entry(body)
    except msgspec.DecodeError:
        return set()
    ids = {entry.event_id, entry.issue_id, entry.trace_id}
    for window in (entry, entry.change_window):
        if window is not None:
            ids |= {window.deploy_id, window.release, window.base}
            ids |= {commit.id for commit in window.commits}
            ids |= {commit.id for commit in window.push.commits} if window.push else set()
    return {canonical_id(each) for each in ids if each is not None}


def canonical_id(name: str) -> str:
    """Return one form of an id: a UUID in small letters and without dashes, as Sentry has it."""
    return name.replace("-", "").lower() if _UUID.fullmatch(name) else name
