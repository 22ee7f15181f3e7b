"""The bodies that GitHub sends: of each only the fields that an entry is made of.

Everything is optional, so that a part that is missing or null loses only itself.
"""

import msgspec

Text = str | None


class Person(msgspec.Struct):
    """Git's author (`name`, `username` where GitHub knows them), or an account (`login`).

    `type` of an account is ``User``, ``Bot`` or ``Organization``.
    """

    name: Text = None
    username: Text = None
    login: Text = None
    type: Text = None


class Repository(msgspec.Struct):
    """`id` survives a renaming, `full_name` (``owner/name``) does not."""

    id: int | None = None
    full_name: Text = None
    default_branch: Text = None


class PushedCommit(msgspec.Struct):
    """A commit of a push. `timestamp` is the committer's, and says nothing of the push."""

    id: Text = None
    message: Text = None
    timestamp: Text = None
    url: Text = None
    author: Person | None = None
    added: list[Text] | None = None
    removed: list[Text] | None = None
    modified: list[Text] | None = None


class Push(msgspec.Struct):
    """`push`: `commits` are the oldest first; `before` and `after` are zeros where there is none.

    For an annotated tag `after` is the tag, and `head_commit` the commit behind it.
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
    """That `sha` is to run in `environment`."""

    sha: Text = None
    environment: Text = None
    creator: Person | None = None


class DeploymentStatus(msgspec.Struct):
    """`deployment_status`, and `deployment` without the status."""

    deployment_status: DeploymentState | None = None
    deployment: Deployment | None = None
    repository: Repository | None = None


class Release(msgspec.Struct):
    """`target_commitish` is a branch or a commit, and not always where the tag points to."""

    tag_name: Text = None
    target_commitish: Text = None
    prerelease: bool | None = None
    author: Person | None = None


class ReleaseChange(msgspec.Struct):
    """`release`: publishing one fires several actions, of which `published` comes once."""

    action: Text = None
    release: Release | None = None
    repository: Repository | None = None
