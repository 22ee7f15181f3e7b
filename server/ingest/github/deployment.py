"""Reads `deployment_status` and `release`, which say that a commit now runs somewhere."""

import re
from datetime import datetime

import msgspec

from server.ingest.delivery import Delivery
from server.ingest.github.payload import DeploymentStatus, Person, ReleaseChange, Repository
from server.ingest.github.repository import missing, read_name
from server.ingest.text import clean_line
from server.settings.environments import EnvironmentMap
from server.settings.services import ServiceMap
from shared.event import PRODUCTION, ChangeWindow
from shared.pipe import ChangeWindowEntry

_FULL_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def read_deployment(
    change: DeploymentStatus,
    identity: str | None,
    received: datetime,
    services: ServiceMap,
    environments: EnvironmentMap,
) -> Delivery:
    """Return a deploy of every service of the repository if it succeeded, otherwise no entries.

    If the environment's name says of which of the services, it is a deploy of that one alone.

    GitHub says which commit runs, but not which commits are new. A deploy that is already known by
    this commit keeps its commits and gets the new time. The commits of an unknown deploy are looked
    up in the background (`server.github`).
    """
    repository = read_name(change.repository)
    deployment, status = change.deployment, change.deployment_status
    named = (status and status.environment) or (deployment and deployment.environment) or PRODUCTION
    deployed = environments.of_deployment(
        clean_line(named, 64) or PRODUCTION,
        is_production=bool(deployment and deployment.production_environment),
    )
    environment = deployed.environment
    state = clean_line((status and status.state) or "", 64)
    about = f"Deployment of {repository} to {environment}: {state or 'requested'}"
    if state != "success":
        return Delivery(entries=(), identity=identity, about=clean_line(about, 256))
    sha = clean_line((deployment and deployment.sha) or "", 64)
    if not sha:
        raise missing("deployment.sha", "expected the commit that was deployed")
    window = ChangeWindow(
        deploy_time=received,
        deploy_id=sha,
        repository=clean_line(repository, 512),
        deployed_by=_person(deployment.creator if deployment else None),
    )
    return Delivery(
        entries=_entries(window, environment, change.repository, services, deployed.project),
        identity=identity,
        about=clean_line(about, 256),
    )


def read_release(
    change: ReleaseChange, identity: str | None, received: datetime, services: ServiceMap
) -> Delivery:
    """Return a deploy of every service of the repository when a release is published.

    The release goes to the environment of its branch. If its branch or tag is not watched, it goes
    to the environment of the default branch. A prerelease is not meant to run there yet.
    """
    repository = read_name(change.repository)
    release = change.release
    tag = clean_line((release and release.tag_name) or "", 256)
    about = f"Release {tag} of {repository}: {clean_line(change.action or 'unknown', 64)}"
    if change.action != "published" or release is None:
        return Delivery(entries=(), identity=identity, about=clean_line(about, 256))
    if not tag:
        raise missing("release.tag_name", "expected the tag of the release")
    target = clean_line(release.target_commitish or "", 256)
    default = change.repository.default_branch if change.repository else None
    environment = services.environment_of(target, default) or services.environment_of(
        default or "", default
    )
    if release.prerelease or environment is None:
        return Delivery(entries=(), identity=identity, about=clean_line(f"{about}, no deploy", 256))
    window = ChangeWindow(
        deploy_time=received,
        deploy_id=target if _FULL_HASH.fullmatch(target) else tag,
        release=tag,
        repository=clean_line(repository, 512),
        deployed_by=_person(release.author),
    )
    return Delivery(
        entries=_entries(window, environment, change.repository, services),
        identity=identity,
        about=clean_line(about, 256),
    )


def _person(account: Person | None) -> str | None:
    """Return the name of who deployed; None for a bot, which acts for somebody unknown."""
    if account is None or account.type == "Bot":
        return None
    return clean_line(account.login or "", 100) or None


def _entries(
    window: ChangeWindow,
    environment: str,
    known: Repository | None,
    services: ServiceMap,
    project: str | None = None,
) -> tuple[ChangeWindowEntry, ...]:
    """Return the same deploy for each service whose code is in the repository, or for `project`."""
    watched = services.services_of(window.repository or "", known.id if known else None)
    named = [each for each in watched if project and each.service.lower() == project.lower()]
    return tuple(
        ChangeWindowEntry(
            service=clean_line(each.service, 128),
            environment=environment,
            source="github",
            **msgspec.structs.asdict(window),
        )
        for each in named or watched
    )
