"""Reads the commits of a push, within the limits of a change window."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from server.ingest.github.payload import Person, PushedCommit
from server.ingest.text import clean_line, line_end, many_lines
from shared.event import (
    MAX_ADDRESS,
    MAX_COMMITS,
    MAX_FILES,
    MAX_LOGIN,
    Commit,
    Timestamp,
)

MAX_MESSAGE = 2000
"""The longest commit message, in characters: more text says no more about an error."""

MAX_PATHS_BYTES = 6_000_000
"""The limit for all commits together, because a payload may be larger than a line on the pipe."""


class Commits(msgspec.Struct, frozen=True):
    """The commits, oldest first, and how many commits and files were left out of them."""

    commits: list[Commit]
    commits_cut: int = 0
    files_cut: int = 0


def read_commits(pushed: Iterable[PushedCommit | None]) -> Commits:
    """Return the newest `MAX_COMMITS` with up to `MAX_FILES` files each; skip any without an id."""
    named = [commit for commit in pushed if commit is not None and read_id(commit)]
    kept = named[-MAX_COMMITS:]
    files = [_files(commit) for commit in kept]
    fitting = [_fitting(paths, MAX_PATHS_BYTES) for paths in files]
    if sum(map(_size, fitting)) > MAX_PATHS_BYTES:
        fitting = [_fitting(paths, MAX_PATHS_BYTES // len(kept)) for paths in files]
    commits = [_commit(commit, paths) for commit, paths in zip(kept, fitting, strict=True)]
    files_cut = sum(map(len, files)) - sum(map(len, fitting))
    return Commits(commits, len(named) - len(kept), files_cut)


def read_id(commit: PushedCommit | None) -> str:
    """Return the commit's full hash, or an empty string if it has none."""
    return clean_line(commit.id or "", 64) if commit is not None else ""


def _commit(pushed: PushedCommit, files: list[str]) -> Commit:
    url = clean_line(pushed.url or "", 2048)
    author = pushed.author or Person()
    return Commit(
        id=read_id(pushed),
        timestamp=_timestamp(pushed.timestamp),
        author=_author(author),
        message=many_lines(pushed.message or "", MAX_MESSAGE),
        files=files,
        url=url if url.startswith(("https://", "http://")) else None,
        author_email=_short(author.email, MAX_ADDRESS),
        author_login=_short(author.username, MAX_LOGIN),
    )


def _files(pushed: PushedCommit) -> list[str]:
    """Return all files, each once. Modified ones come first: they can break what worked before."""
    listed: Sequence[list[str | None] | None] = (pushed.modified, pushed.added, pushed.removed)
    paths = (line_end(path, 1024) for part in listed for path in part or () if path)
    return list(dict.fromkeys(path for path in paths if path))


def _fitting(paths: Sequence[str], max_bytes: int) -> list[str]:
    """Return the first of the paths that fit within the limits of a commit."""
    sizes = itertools.accumulate(len(path.encode()) for path in paths[:MAX_FILES])
    return [path for path, size in zip(paths, sizes, strict=False) if size <= max_bytes]


def _size(paths: Sequence[str]) -> int:
    return sum(len(path.encode()) for path in paths)


def _author(person: Person) -> str | None:
    return clean_line(person.name or person.username or "", 512) or None


def _short(text: str | None, limit: int) -> str | None:
    """Return a name that is of no use if it is cut, or None."""
    line = clean_line(text or "", limit + 1)
    return line if 0 < len(line) <= limit else None


def _timestamp(text: str | None) -> datetime | None:
    try:
        return msgspec.convert(text, Timestamp | None)
    # UnicodeEncodeError is raised for half of a surrogate pair.
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
