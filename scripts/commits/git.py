"""Read the commits of the checkout in the current folder: files, lines, touched functions.

This runs on any Python from 3.8 on with git and nothing else.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.commits.hunk_headers import ATTRIBUTES, DRIVERS
from shared.commits.patches import PatchReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_START = "\x01"
_BETWEEN = "\x1f"


class GitFailed(Exception):
    """git is missing, or this is no checkout, or the checkout does not have what was asked for."""


@dataclass
class GitCommit:
    """A commit. `added` and `deleted` are lines; None if there is nothing to compare with."""

    id: str
    timestamp: str
    author: str
    email: str
    message: str
    files: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    added: int | None = 0
    deleted: int | None = 0


def git(*arguments: str) -> str:
    """Return what git answers in the current folder, without the line end. Raises `GitFailed`."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=True)
    except FileNotFoundError:
        raise GitFailed("git is not installed") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip()
        raise GitFailed(said or f"git {arguments[0]} failed") from None
    return done.stdout.decode("utf-8", "replace").rstrip("\n")


def full_hash(name: str) -> str | None:
    """Return the commit of this name, or None if the checkout does not have it."""
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}")
    except GitFailed:
        return None


def count_commits(span: str) -> int:
    """Return how many commits `span` (a revision or a range) has, without merges."""
    return int(git("rev-list", "--count", "--no-merges", span, "--"))


def newest_commits(span: str, limit: int) -> list[GitCommit]:
    """Return the newest commits of `span`, oldest first. Raises `GitFailed`.

    Merges are left out, because what they bring are other commits.
    """
    selected = ["--no-merges", "--reverse", f"--max-count={limit}", span, "--"]
    commits = {commit.id: commit for commit in _with_files(selected)}
    for sha, functions in _touched_functions(selected):
        commits[sha].functions = functions
    for sha in _cut_off() & commits.keys():
        # With nothing to compare it with, it would seem to add every file that there is.
        commit = commits[sha]
        commit.files, commit.functions, commit.added, commit.deleted = [], [], None, None
    return list(commits.values())


def _with_files(selected: list[str]) -> Iterator[GitCommit]:
    asked = _START + _BETWEEN.join(("%H", "%cI", "%an", "%ae", "%B"))
    log = git(
        *("-c", "i18n.logOutputEncoding=UTF-8", "log", "-z", "--numstat", "--find-renames"),
        *("--no-ext-diff", "--no-color", f"--format={asked}", *selected),
    )
    commit = None
    parts = iter(log.split("\0"))
    for part in parts:
        if part.startswith(_START):
            if commit is not None:
                yield commit
            sha, timestamp, author, email, message = part[1:].split(_BETWEEN, 4)
            commit = GitCommit(sha, timestamp, author.strip(), email.strip(), message.strip())
        elif commit is not None and part.strip("\n"):
            added, deleted, path = part.lstrip("\n").split("\t", 2)
            # For a rename, the old path and the new one follow.
            commit.files += [path] if path else [next(parts), next(parts)]
            # A binary file has dashes.
            commit.added = (commit.added or 0) + (int(added) if added.isdecimal() else 0)
            commit.deleted = (commit.deleted or 0) + (int(deleted) if deleted.isdecimal() else 0)
    if commit is not None:
        yield commit


def _touched_functions(selected: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each commit's functions. Raises `GitFailed`. Patches may be huge, so read by line."""
    with tempfile.TemporaryDirectory() as folder:
        attributes = Path(folder, "attributes")
        attributes.write_text(ATTRIBUTES)
        command = ["git", "-c", f"core.attributesFile={attributes}", "-c", "core.quotePath=false"]
        for name, pattern in DRIVERS.items():
            command += ["-c", f"diff.{name}.xfuncname={pattern}"]
        command += ["log", "--patch", "--unified=0", "--find-renames", "--no-prefix", "--no-color"]
        command += ["--no-ext-diff", "--no-textconv", f"--format={_START}%H", *selected]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            lines = process.stdout or ()
            yield from _read_patches(line.decode("utf-8", "replace") for line in lines)
        if process.returncode != 0:
            raise GitFailed(f"git log --patch ended with {process.returncode}")


def _read_patches(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    sha = ""
    functions: dict[str, None] = {}
    old_path = ""
    reader: PatchReader | None = None
    for line in lines:
        if line.startswith((_START, "diff --git ")) and reader is not None:
            functions.update(reader.functions)
            reader = None
        if line.startswith(_START):
            if sha:
                yield sha, list(functions)
            sha, functions = line[1:].strip(), {}
        elif reader is not None:
            reader.read(line)
        elif line.startswith("--- "):
            old_path = line[4:].strip().strip('"')
        elif line.startswith("+++ "):
            path = line[4:].strip().strip('"')
            reader = PatchReader(old_path if path == "/dev/null" else path)
    if reader is not None:
        functions.update(reader.functions)
    if sha:
        yield sha, list(functions)


def _cut_off() -> set[str]:
    """Return the commits at which the history of a shallow clone was cut off."""
    shallow = Path(git("rev-parse", "--git-path", "shallow"))
    return set(shallow.read_text().split()) if shallow.exists() else set()
