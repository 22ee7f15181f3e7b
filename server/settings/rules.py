"""Settings that are lists of rules: what each rule is, and how it is read.

The functions raise `ValueError` with what a rule must be like.
"""

import re

import msgspec

from server.settings.values import list_of_names

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+|[0-9]+", re.ASCII)
MAX_SERVICE = 128


class ServiceRule(msgspec.Struct, frozen=True):
    """Code of a service in a repository: `service` is in `folder` (ends with a slash; empty: all).

    `repository` is its ``owner/name`` in lower case or, to survive a renaming, its number.
    """

    repository: str
    folder: str
    service: str


class BranchRule(msgspec.Struct, frozen=True):
    """A push to a branch like `branch` (``*`` stands for any characters) goes to `environment`."""

    branch: str
    environment: str


class EnvironmentRule(msgspec.Struct, frozen=True):
    """Where others call an environment `name` (``*`` stands for any characters), it is this one."""

    name: str
    environment: str


class ServiceChannel(msgspec.Struct, frozen=True):
    """Incidents of `service` are told in this channel of Slack, by its name or id."""

    service: str
    channel: str


def service_rules(text: str) -> tuple[ServiceRule, ...]:
    """Return the rules of GITHUB_SERVICES."""
    return tuple(_service_rule(part) for part in list_of_names(text))


def _service_rule(text: str) -> ServiceRule:
    place, _, service = (part.strip() for part in text.rpartition("="))
    repository, colon, folder = (part.strip() for part in place.partition(":"))
    folder = folder.strip("/")
    if (
        not _REPOSITORY.fullmatch(repository)
        or not 0 < len(service) <= MAX_SERVICE
        or (colon and not folder)
    ):
        raise ValueError(
            f"each part must be like owner/repository=service or owner/repository:folder=service "
            f"(service up to 128 characters), not {text!r}"
        )
    return ServiceRule(repository.lower(), f"{folder}/" if folder else "", service)


def branch_rules(text: str) -> tuple[BranchRule, ...]:
    """Return the rules of GITHUB_BRANCHES."""
    return tuple(_branch_rule(part) for part in list_of_names(text))


def _branch_rule(text: str) -> BranchRule:
    branch, environment = _environment_of("branch", text)
    if branch.startswith("refs/"):
        raise ValueError(f"must name branches without refs/heads/, not {branch!r}")
    return BranchRule(branch, environment)


def environment_rules(text: str) -> tuple[EnvironmentRule, ...]:
    """Return the rules of ENVIRONMENTS."""
    return tuple(EnvironmentRule(*_environment_of("name", part)) for part in list_of_names(text))


def _environment_of(what: str, text: str) -> tuple[str, str]:
    named, _, environment = (part.strip() for part in text.partition("="))
    if not named or not 0 < len(environment) <= 64:
        raise ValueError(
            f"each part must be like {what}=environment (environment up to 64 characters), "
            f"not {text!r}"
        )
    return named, environment


def service_channels(text: str) -> tuple[ServiceChannel, ...]:
    """Return the rules of SLACK_SERVICE_CHANNELS."""
    return tuple(_service_channel(part) for part in list_of_names(text))


def _service_channel(text: str) -> ServiceChannel:
    service, _, channel = (part.strip() for part in text.rpartition("="))
    if not 0 < len(service) <= MAX_SERVICE or not channel:
        raise ValueError(
            f"each part must be like service=#channel (service up to 128 characters), not {text!r}"
        )
    return ServiceChannel(service, channel)
