"""The commits of a push, within the limits of a change window."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from server.ingest.github.payload import Person, PushedCommit
from server.ingest.text import line_end, many_lines, one_line
from shared.event import MAX_COMMITS, MAX_FILES, Commit, Timestamp


class Commits(msgspec.Struct, frozen=True):
    """Oldest first, with how many commits and files had to be left out of them."""

    commits: list[Commit]
    commits_cut: int = 0
    files_cut: int = 0


def read_commits(pushed: Iterable[PushedCommit | None]) -> Commits:
    """The newest `MAX_COMMITS` with up to `MAX_FILES` files each; one without an id is left out."""
    named = [commit for commit in pushed if commit is not None and read_id(commit)]
    kept = named[-MAX_COMMITS:]
    commits = []
    files_cut = 0
    for commit in kept:
        files = _files(commit)
        files_cut += max(len(files) - MAX_FILES, 0)
        commits.append(_commit(commit, files[:MAX_FILES]))
    return Commits(commits, len(named) - len(kept), files_cut)


def read_id(commit: PushedCommit | None) -> str:
    """Its full hash; empty where it has none."""
    return one_line(commit.id or "", 64) if commit is not None else ""


def subject(message: str) -> str:
    """The first line of a commit's message."""
    return message.strip().partition("\n")[0].strip()


def _commit(pushed: PushedCommit, files: list[str]) -> Commit:
    url = one_line(pushed.url or "", 2048)
    return Commit(
        id=read_id(pushed),
        timestamp=_timestamp(pushed.timestamp),
        author=_author(pushed.author),
        message=many_lines(pushed.message or "", 8192),
        files=files,
        url=url if url.startswith(("https://", "http://")) else None,
    )


def _files(pushed: PushedCommit) -> list[str]:
    """All of them, each once: what was modified first, for that can break what ran before."""
    listed: Sequence[list[str | None] | None] = (pushed.modified, pushed.added, pushed.removed)
    paths = (line_end(path, 1024) for part in listed for path in part or () if path)
    return list(dict.fromkeys(path for path in paths if path))


def _author(person: Person | None) -> str | None:
    if person is None:
        return None
    return one_line(person.name or person.username or "", 512) or None


def _timestamp(text: str | None) -> datetime | None:
    try:
        return msgspec.convert(text, Timestamp | None)
    except msgspec.ValidationError:
        return None
