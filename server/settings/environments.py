"""Which environment people mean by a name: each tool and each of them spells it otherwise."""

import fnmatch
import re
from collections.abc import Iterable, Sequence

import msgspec

from server.settings.rules import EnvironmentRule
from shared.event import PRODUCTION, canonical_environment

_DASHES = re.compile("[\u2010-\u2015\u2212_-]")
_PROJECT = re.compile(r"\s+[\u2010-\u2015\u2212-]\s+")
"""Vercel names one of several projects after the environment, with a dash between them."""


class Deployed(msgspec.Struct, frozen=True):
    """Where a deployment went: the environment and, if its name says so, the project."""

    environment: str
    project: str | None = None


class EnvironmentMap:
    """Looks up `ENVIRONMENTS`, whatever the case of the letters and the kind of the dashes."""

    def __init__(self, rules: Sequence[EnvironmentRule], production: Iterable[str]) -> None:
        """`production` are the names that `PRODUCTION_ENVIRONMENTS` says."""
        self._rules = [(_folded(rule.name), rule.environment) for rule in rules]
        self._production = frozenset(map(canonical_environment, production))

    def of(self, name: str) -> str:
        """Return the environment of the first rule that matches, else the one of this name."""
        return self._by_rule(name) or canonical_environment(name)

    def of_deployment(self, name: str, *, is_production: bool) -> Deployed:
        """Return where a deployment went that names its environment, and its project after a dash.

        If its host says that it `is_production`, it went to production under whatever name, unless
        a rule says otherwise.
        """
        named, project = (*_PROJECT.split(name, maxsplit=1), None)[:2]
        by_rule = self._by_rule(name) or self._by_rule(named or name)
        if by_rule is not None:
            return Deployed(by_rule, project)
        environment = canonical_environment(named or name)
        if is_production and environment not in self._production:
            environment = PRODUCTION
        return Deployed(environment, project)

    def _by_rule(self, name: str) -> str | None:
        folded = _folded(name)
        for pattern, environment in self._rules:
            if fnmatch.fnmatchcase(folded, pattern):
                return canonical_environment(environment)
        return None


def _folded(name: str) -> str:
    return _DASHES.sub("-", " ".join(name.split())).casefold()
