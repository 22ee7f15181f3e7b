"""The bodies that GitHub sends, with only the fields that entries are made of.

Everything is optional, so that a missing or null part loses only itself.
"""

import msgspec

Text = str | None


class Person(msgspec.Struct):
    """A Git author (`name`, `email`, and `username` if GitHub knows it), or an account (`login`).

    The `type` of an account is ``User``, ``Bot`` or ``Organization``.
    """

    name: Text = None
    email: Text = None
    username: Text = None
    login: Text = None
    type: Text = None


class Repository(msgspec.Struct):
    """A repository. `id` survives a renaming; `full_name` (``owner/name``) does not.

    `pushed_at` is when it was pushed to last: in seconds since 1970 in a push, else a text.
    """

    id: int | None = None
    full_name: Text = None
    default_branch: Text = None
    pushed_at: int | Text = None


class PushedCommit(msgspec.Struct):
    """A commit of a push. `timestamp` is the committer's and does not say when it was pushed."""

    id: Text = None
    message: Text = None
    timestamp: Text = None
    url: Text = None
    author: Person | None = None
    added: list[Text] | None = None
    removed: list[Text] | None = None
    modified: list[Text] | None = None


class Push(msgspec.Struct):
    """`push`: `commits` come oldest first; `before` and `after` are zeros where there is no commit.

    For an annotated tag, `after` is the tag and `head_commit` is the commit behind it.
    """

    ref: Text = None
    before: Text = None
    after: Text = None
    created: bool | None = None
    deleted: bool | None = None
    forced: bool | None = None
    compare: Text = None
    commits: list[PushedCommit | None] | None = None
    head_commit: PushedCommit | None = None
    repository: Repository | None = None
    pusher: Person | None = None


class DeploymentState(msgspec.Struct):
    """`deployment_status`: one step of a deployment."""

    state: Text = None
    environment: Text = None


class Deployment(msgspec.Struct):
    """A request to run `sha` in `environment`, which may be production under any name."""

    sha: Text = None
    environment: Text = None
    production_environment: bool | None = None
    creator: Person | None = None


class DeploymentStatus(msgspec.Struct):
    """`deployment_status`, and `deployment`, which has no status."""

    deployment_status: DeploymentState | None = None
    deployment: Deployment | None = None
    repository: Repository | None = None


class Release(msgspec.Struct):
    """A release. `target_commitish` is a branch or a commit, not always what the tag points to."""

    tag_name: Text = None
    target_commitish: Text = None
    prerelease: bool | None = None
    author: Person | None = None


class ReleaseChange(msgspec.Struct):
    """`release`: publishing a release fires several actions, but `published` only once."""

    action: Text = None
    release: Release | None = None
    repository: Repository | None = None
