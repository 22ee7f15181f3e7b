"""Reads `push`: a push to a watched branch is a deploy of each service that it touches."""

from datetime import datetime

import msgspec

from server.ingest.delivery import Delivery
from server.ingest.github.commits import Commits, read_commits, read_id
from server.ingest.github.payload import Push
from server.ingest.github.repository import missing, read_name
from server.ingest.notes import Notes
from server.ingest.text import clean_line
from server.settings.services import ServiceMap
from shared.event import MAX_PAIRS, ChangeWindow, Commit
from shared.event import Push as ToldPush
from shared.pipe import ChangeWindowEntry, EventEntry
from shared.text import first_line

BRANCH = "refs/heads/"
TAG = "refs/tags/"

PAYLOAD_COMMITS = 2048
"""The most commits that GitHub puts into one push. It leaves out the others without saying so."""

UNNAMED = "somebody"

TOLD_COMMITS = 20
"""The number of newest commits of a push that notifications name."""


class _Deploy(msgspec.Struct, frozen=True):
    """What is the same for every service that a push deploys."""

    branch: str
    repository: str
    environment: str
    head: str
    base: str | None
    pusher: str
    manner: str
    url: str
    at: datetime


def read_push(
    push: Push,
    notes: Notes,
    *,
    delivery: str | None,
    received: datetime,
    services: ServiceMap,
    announce_deploys: bool,
) -> Delivery:
    """Return one entry for each service that the push deploys, which may be none.

    `delivery` identifies a push that does not hold enough to identify itself.
    """
    identity = _identity(push) or delivery
    repository = read_name(push.repository)
    if not push.ref:
        raise missing("ref", "expected refs/heads/… or refs/tags/…")
    if push.deleted or (push.after is not None and not push.after.strip("0")):
        return _no_deploy(identity, f"{_named(push.ref)} of {repository} deleted")
    if not push.ref.startswith(BRANCH):
        return _no_deploy(identity, f"{_named(push.ref)} of {repository} pushed")
    branch = clean_line(push.ref.removeprefix(BRANCH), 256)
    environment = services.environment_of(
        branch, push.repository.default_branch if push.repository else None
    )
    if environment is None:
        return _no_deploy(identity, f"Push to {branch} of {repository}, which is not watched")
    head = read_id(push.head_commit) or clean_line(push.after or "", 64)
    if not head:
        raise missing("after", "expected the commit that the branch is at now")
    read = _new_commits(push, head)
    deploy = _Deploy(
        branch=branch,
        repository=repository,
        environment=environment,
        head=head,
        base=_base(push),
        pusher=clean_line((push.pusher and push.pusher.name) or UNNAMED, 100),
        manner=_manner(push),
        url=clean_line(push.compare or "", 2048),
        at=received,
    )
    watched = services.services_of(repository, push.repository.id if push.repository else None)
    # On a branch that was created or moved, the commits may not be all that is new.
    is_all_told = not (push.created or push.forced or read.commits_cut) and bool(read.commits)
    touched: list[tuple[str, Commits]] = []
    for each in watched:
        touching = [commit for commit in read.commits if each.is_touched_by(commit)]
        if touching or not is_all_told:
            own = msgspec.structs.replace(read, commits=touching)
            touched.append((clean_line(each.service, 128), own))
    told = _told(deploy, read, [service for service, _ in touched])
    # Only one of the entries tells people of the push, however many services it deploys.
    entries = [
        _entry(deploy, service, own, notes, announce_deploys, None if number else told)
        for number, (service, own) in enumerate(touched)
    ]
    if not entries:
        return _no_deploy(identity, f"Push to {branch} of {repository} touches no service")
    deployed = ", ".join(entry.service for entry in entries)
    about = f"{_counted(read)} to {branch} of {repository}: deploy of {deployed} to {environment}"
    return Delivery(entries=tuple(entries), identity=identity, about=clean_line(about, 256))


def _new_commits(push: Push, head: str) -> Commits:
    """Return what the push brought to the branch, including commits merged from another branch."""
    pushed = [commit for commit in push.commits or () if read_id(commit)]
    is_whole = len(pushed) < PAYLOAD_COMMITS
    if all(read_id(commit) != head for commit in pushed) and push.head_commit is not None:
        if pushed:
            is_whole = False
        # A branch that was forced back to an old commit brings nothing new, not even that commit.
        if pushed or not push.forced:
            pushed.append(push.head_commit)
    read = read_commits(pushed)
    return read if is_whole else msgspec.structs.replace(read, commits_cut=read.commits_cut + 1)


def _told(deploy: _Deploy, read: Commits, services: list[str]) -> ToldPush:
    shown = read.commits[-TOLD_COMMITS:]
    return ToldPush(
        title=clean_line(_said(deploy, read), 512),
        branch=deploy.branch,
        by=deploy.pusher,
        repository=clean_line(deploy.repository, 512),
        services=services[:MAX_PAIRS],
        commits=[msgspec.structs.replace(commit, files=[]) for commit in shown],
        more=len(read.commits) - len(shown) + read.commits_cut,
        url=deploy.url if deploy.url.startswith("http") else None,
    )


def _entry(
    deploy: _Deploy,
    service: str,
    read: Commits,
    notes: Notes,
    announce_deploys: bool,
    told: ToldPush | None,
) -> EventEntry | ChangeWindowEntry:
    window = ChangeWindow(
        deploy_time=deploy.at,
        commits=read.commits,
        deploy_id=deploy.head,
        cut=read.commits_cut + read.files_cut,
        repository=clean_line(deploy.repository, 512),
        base=deploy.base,
        deployed_by=deploy.pusher if deploy.pusher != UNNAMED else None,
        push=told,
        pending=True,
    )
    if not announce_deploys:
        return ChangeWindowEntry(
            service=service,
            environment=deploy.environment,
            source="github",
            **msgspec.structs.asdict(window),
        )
    return EventEntry(
        kind="deploy",
        source="github",
        service=service,
        environment=deploy.environment,
        timestamp=deploy.at,
        severity="warning",
        exception_type="Deploy",
        message=_message(deploy, read),
        tags=_tags(deploy, read.commits),
        links={"source_url": deploy.url} if deploy.url.startswith("http") else {},
        change_window=window,
        notes=notes.sentences(),
    )


def _message(deploy: _Deploy, read: Commits) -> str:
    said = _said(deploy, read)
    newest = first_line(read.commits[-1].message) if read.commits else ""
    return clean_line(f"{said}: {newest}" if newest else said, 1024)


def _said(deploy: _Deploy, read: Commits) -> str:
    return f"{deploy.manner}{_counted(read)} to {deploy.branch} by {deploy.pusher}"


def _counted(read: Commits) -> str:
    match len(read.commits), read.commits_cut:
        case 0, cut if cut:
            return "Push of unknown commits"
        case count, cut if cut:
            return f"Push of more than {count} commits"
        case 0, _:
            return "Push without new commits"
        case 1, _:
            return "Push of 1 commit"
        case count, _:
            return f"Push of {count} commits"


def _manner(push: Push) -> str:
    match bool(push.created), bool(push.forced):
        case True, _:
            return "New branch: "
        case _, True:
            return "Forced: "
    return ""


def _tags(deploy: _Deploy, commits: list[Commit]) -> dict[str, str]:
    files = {file for commit in commits for file in commit.files}
    return {
        "repository": clean_line(deploy.repository, 512),
        "branch": deploy.branch,
        "commit": deploy.head,
        "pusher": deploy.pusher,
        "files": str(len(files)),
    }


def _base(push: Push) -> str | None:
    before = clean_line(push.before or "", 64)
    return before if before.strip("0") else None


def _identity(push: Push) -> str | None:
    """Return the push's own identity: a repository's and its owner's hooks both send each push.

    A branch that was moved back may be pushed to the same commit again, at another time.
    """
    if not (push.repository and push.before and push.after):
        return None
    place = push.repository.id or push.repository.full_name
    at = push.repository.pushed_at
    return f"github push {place} {push.ref} {push.before} {push.after} {at}"


def _no_deploy(identity: str | None, about: str) -> Delivery:
    return Delivery(entries=(), identity=identity, about=clean_line(about, 256))


def _named(ref: str) -> str:
    if ref.startswith(TAG):
        return f"Tag {ref.removeprefix(TAG)}"
    return f"Branch {ref.removeprefix(BRANCH)}"
