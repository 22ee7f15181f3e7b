"""Which services a repository holds, and to which environment a branch goes."""

import fnmatch
from collections.abc import Sequence

import msgspec

from server.settings.rules import BranchRule, ServiceRule
from shared.event import PRODUCTION, Commit, canonical_environment


class MappedService(msgspec.Struct, frozen=True):
    """A service whose code is in these folders of a repository; without folders, in all of it."""

    service: str
    folders: tuple[str, ...] = ()

    def is_touched_by(self, commit: Commit) -> bool:
        """Return whether the commit changes a file of this service."""
        return not self.folders or any(file.startswith(self.folders) for file in commit.files)


class ServiceMap:
    """Looks up `GITHUB_SERVICES` and `GITHUB_BRANCHES` by what GitHub says of a repository.

    A repository that no rule names is one service of its own name. If no branch is named, the
    default branch of each repository is production.
    """

    def __init__(self, services: Sequence[ServiceRule], branches: Sequence[BranchRule]) -> None:
        self._services = tuple(services)
        self._branches = tuple(branches)

    def services_of(self, full_name: str, repository_id: int | None) -> tuple[MappedService, ...]:
        """Return the services whose code is in the repository ``owner/name``; at least one.

        A rule for its number holds whatever name the repository has today.
        """
        keys = {full_name.lower(), str(repository_id)}
        rules = [rule for rule in self._services if rule.repository in keys]
        if not rules:
            return (MappedService(full_name.rpartition("/")[2]),)
        return tuple(self._mapped(name, rules) for name in dict.fromkeys(r.service for r in rules))

    def environment_of(self, branch: str, default_branch: str | None) -> str | None:
        """Return where a push to this branch goes, or None if the branch is not watched."""
        if not self._branches:
            return PRODUCTION if branch == default_branch else None
        for rule in self._branches:
            if fnmatch.fnmatchcase(branch, rule.branch):
                return canonical_environment(rule.environment)
        return None

    def is_touched(self, service: str, commit: Commit) -> bool:
        """Return whether the commit changes this service, whichever repository it comes from."""
        rules = [rule for rule in self._services if rule.service == service]
        return self._mapped(service, rules).is_touched_by(commit)

    @staticmethod
    def _mapped(service: str, rules: Sequence[ServiceRule]) -> MappedService:
        folders = tuple(rule.folder for rule in rules if rule.service == service)
        return MappedService(service, () if "" in folders else folders)
