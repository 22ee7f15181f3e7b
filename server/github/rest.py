"""What GitHub's REST API says of commits, with only the fields that are read."""

import msgspec

from shared.commits.patches import touched_functions
from shared.event import MAX_ADDRESS, MAX_FILES, MAX_FUNCTIONS, MAX_LOGIN, Commit, Timestamp


class Account(msgspec.Struct):
    """An account at GitHub."""

    login: str = ""


class Person(msgspec.Struct):
    """A person and a time."""

    name: str | None = None
    email: str | None = None
    date: Timestamp | None = None


class GitCommit(msgspec.Struct):
    """The commit as Git has it."""

    message: str = ""
    author: Person | None = None
    committer: Person | None = None


class Parent(msgspec.Struct):
    """A parent commit. A merge has more than one."""

    sha: str


class ChangedFile(msgspec.Struct):
    """A changed file. `patch` is missing if the file is binary or the patch is too large."""

    filename: str
    previous_filename: str | None = None
    patch: str | None = None


class Stats(msgspec.Struct):
    """Counts of lines."""

    additions: int = 0
    deletions: int = 0


class RestCommit(msgspec.Struct):
    """``GET /repos/{owner}/{repo}/commits/{ref}``. In a comparison, it comes without files."""

    sha: str
    commit: GitCommit
    author: Account | None = None
    html_url: str | None = None
    parents: list[Parent] = []
    stats: Stats | None = None
    files: list[ChangedFile] = []


class RestComparison(msgspec.Struct):
    """One page of ``GET /repos/{owner}/{repo}/compare/{base}...{head}``, oldest first."""

    total_commits: int
    commits: list[RestCommit]


def read_commit(rest: RestCommit) -> Commit:
    """Return the commit with its files and the functions that its patches touch.

    A merge comes without them: its patch is what it brings in, which are other commits.
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
        author_email=_fitting(git.author.email if git.author else None, MAX_ADDRESS),
        author_login=_fitting(rest.author.login if rest.author else None, MAX_LOGIN),
    )


def _fitting(text: str | None, limit: int) -> str | None:
    return text if text and len(text) <= limit else None
