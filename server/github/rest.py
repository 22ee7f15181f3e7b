"""What GitHub's REST API says of commits: of each answer only the fields that are read."""

import msgspec

from shared.commits.patches import touched_functions
from shared.event import MAX_FILES, MAX_FUNCTIONS, Commit, Timestamp


class Person(msgspec.Struct):
    """Who, and when."""

    name: str | None = None
    date: Timestamp | None = None


class GitCommit(msgspec.Struct):
    """The commit as git has it."""

    message: str = ""
    author: Person | None = None
    committer: Person | None = None


class Parent(msgspec.Struct):
    """A merge has more than one."""

    sha: str


class ChangedFile(msgspec.Struct):
    """`patch` is missing where the file is binary or the patch too large."""

    filename: str
    previous_filename: str | None = None
    patch: str | None = None


class Stats(msgspec.Struct):
    """Lines."""

    additions: int = 0
    deletions: int = 0


class RestCommit(msgspec.Struct):
    """``GET /repos/{owner}/{repo}/commits/{ref}``; a comparison has it without files."""

    sha: str
    commit: GitCommit
    html_url: str | None = None
    parents: list[Parent] = []
    stats: Stats | None = None
    files: list[ChangedFile] = []


class RestComparison(msgspec.Struct):
    """``GET /repos/{owner}/{repo}/compare/{base}...{head}``: a page of it, oldest first."""

    total_commits: int
    commits: list[RestCommit]


def read_commit(rest: RestCommit) -> Commit:
    """The commit with its files and the functions that its patches touch.

    Of a merge only itself: its patch is what it brings, and that are other commits.
    """
    git = rest.commit
    files: dict[str, None] = {}
    functions: dict[str, None] = {}
    is_merge = len(rest.parents) > 1
    if not is_merge:
        for file in rest.files:
            for name in (file.filename, file.previous_filename):
                if name:
                    files[name[-1024:]] = None
            functions |= dict.fromkeys(touched_functions(file.filename, file.patch or ""))
    stats = None if is_merge else rest.stats
    return Commit(
        id=rest.sha[:64],
        timestamp=git.committer.date if git.committer else None,
        author=git.author.name[:512] if git.author and git.author.name else None,
        message=git.message[:8192],
        files=list(files)[:MAX_FILES],
        functions=list(functions)[:MAX_FUNCTIONS],
        added=stats.additions if stats else None,
        deleted=stats.deletions if stats else None,
        url=rest.html_url[:2048] if rest.html_url else None,
    )
