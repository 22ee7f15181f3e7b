"""Classify commits: those that can break production, and those that hardly can."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from shared.event import Commit
from shared.text import first_line

Kind = Literal["code", "rewording", "layout", "not_run", "merge", "undone"]
"""`rewording` changes comments, `layout` moves or reformats, `not_run` touches only documents,
tests, lock files and CI. `merge` brings nothing that other commits here do not show, and `undone`
was reverted here (or is the revert)."""

_DOCUMENT = re.compile(
    r"(?:^|/)(?:docs?|javadocs?|documentation|xdocs?|src/site)/"
    r"|\.(?:md|rst|adoc|txt|textile|png|jpe?g|gif|svg|ico|pdf|pot?)$"
    r"|(?:^|/)(?:readme|changes|changelog|licen[cs]e|notice|authors|contributors|copying|todo"
    r"|news|history|release-notes|codeowners)(?:[-_][^/.]*(?:\.\d+)*)?(?:\.html?)?$"
)
_CODE_IN_TEXT = re.compile(r"(?:^|/)(?:requirements[^/]*|constraints|cmakelists)\.txt$")
_TEST = re.compile(
    r"(?:^|/)(?:tests?|__tests__|__mocks__|__snapshots__|specs?|testing|fixtures|testdata|e2e"
    r"|cypress)/"
    r"|(?:^|/)(?:test_[^/]*|conftest)\.py$"
    r"|[._-](?:tests?|spec|stories)\.[a-z]+$"
)
_TEST_CLASS = re.compile(r"(?:[a-z0-9](?:Tests?|TestCase|Spec)|/(?:Abstract)?Test[A-Z]\w*)\.\w+$")
_TOOLING = re.compile(
    r"(?:^|/)\.(?:github|circleci|gitlab|husky|vscode|idea|ci)/"
    r"|(?:^|/)(?:\.(?!env|htaccess)[^/]+|jenkinsfile|azure-pipelines\.yml|codecov\.yml)$"
    r"|(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|bun\.lockb|go\.sum"
    r"|packages\.lock\.json|[^/]+\.lock)$"
)

_REWORDING = re.compile(
    r"^docs?(?:\([^)]*\))?:"
    r"|\b(?:java|js|php|xml)?doc(?:s|strings?|umentation)?\b(?! ?type)|\bjavadocs?\b"
    r"|\btypos?\b|\b(?:mis)?spell?ings?\b|\bpunctuation\b|\bgrammar\b|\bcopyrights?\b"
    r"|\b(?:licen[cs]e|file) headers?\b|@(?:since|author|version)\b"
    r"|\b(?:fix|correct|improve|update|add|clarif|tidy|tweak|refine)\w* (?:\w+ )?comments?\b"
    r"|^comments?\b(?! out\b)"
)
_REWORDING_HINTS = ("doc", "typo", "spel", "punct", "gramm", "copyr", "header", "@", "comment")
"""Whatever the pattern finds contains one of these; they are tested first, as it is cheaper."""
_LAYOUT = re.compile(
    r"^style(?:\([^)]*\))?:"
    r"|\bre-?format|\bformatting\b|\bwhite-?spaces?\b|\bindent|\bline (?:endings?|lengths?)\b"
    r"|\blint(?:er|ing|s)?\b|\bprettier\b|\b(?:go|rust|clang-)fmt\b|\bisort\b|\bcheckstyle\b"
    r"|\b(?:organi[sz]ed?|sort(?:ed)?|unused) imports?\b|\bcode style\b|\bsvn:\w+"
    r"|^(?:renam|mov)(?:e[sd]?|ing)\b|\btid(?:y|ied)\b|\bcosmetic\b"
)
_LAYOUT_HINTS = (
    "style", "format", "white", "indent", "line ", "lint", "prettier", "fmt", "isort", "import",
    "svn:", "renam", "mov", "tid", "cosmetic",
)  # fmt: skip
_BALANCE = 0.25
"""A pure move or reformatting removes about as many lines as it adds: the difference is at most
this share of their sum."""

_MERGE = re.compile(
    r"^merge(?:d)? (?:pull request|branch|remote|tag|commit|in |\S+ into )", re.IGNORECASE
)
_REVERT_OF = re.compile(r"\bthis reverts commit ([0-9a-f]{7,64})", re.IGNORECASE)
_REVERT_TITLE = re.compile(r'^revert:? "?(.+?)"?$', re.IGNORECASE)


@lru_cache(maxsize=16384)
def runs_in_production(path: str) -> bool:
    """Return whether the file is code or configuration: no document, test, lock file or CI file."""
    low = path.lower().replace("\\", "/")
    if _TEST.search(low) or _TEST_CLASS.search(path) or _TOOLING.search(low):
        return False
    return not _DOCUMENT.search(low) or _CODE_IN_TEXT.search(low) is not None


def kinds(commits: Sequence[Commit]) -> list[Kind]:
    """Return the kind of each of these commits of one deploy, each judged beside the others."""
    undone = _undone(commits)
    merges = {commit.id for commit in commits if _MERGE.match(commit.message)}
    others = [commit for commit in commits if commit.id not in merges] if merges else []
    files = frozenset(path for commit in others for path in commit.files)
    functions = frozenset(name for commit in others for name in commit.functions)
    found: list[Kind] = []
    for commit in commits:
        if commit.id in undone:
            found.append("undone")
        elif (
            commit.id in merges
            and files.issuperset(commit.files)
            and functions.issuperset(commit.functions)
        ):
            found.append("merge")
        else:
            found.append(_kind(commit))
    return found


def _kind(commit: Commit) -> Kind:
    if commit.files and not any(map(runs_in_production, commit.files)):
        return "not_run"
    title = first_line(commit.message).lower()
    if any(hint in title for hint in _REWORDING_HINTS) and _REWORDING.search(title):
        return "rewording"
    if any(hint in title for hint in _LAYOUT_HINTS) and _LAYOUT.search(title):
        return "layout" if _is_balanced(commit) else "code"
    return "code"


def _is_balanced(commit: Commit) -> bool:
    if commit.added is None or commit.deleted is None:
        return True
    return abs(commit.added - commit.deleted) <= _BALANCE * (commit.added + commit.deleted)


def _undone(commits: Sequence[Commit]) -> set[str]:
    """Return reverts of commits that are here too, and those: together they change nothing."""
    found: set[str] = set()
    for commit in commits:
        for reverted in _reverted(commit, commits):
            found |= {commit.id, reverted.id}
    return found


def _reverted(commit: Commit, commits: Iterable[Commit]) -> list[Commit]:
    if "revert" not in commit.message[:500].lower():
        return []
    if hash_named := _REVERT_OF.search(commit.message):
        start = hash_named.group(1).lower()
        return [other for other in commits if other.id.lower().startswith(start)]
    if title := _REVERT_TITLE.match(first_line(commit.message)):
        return [
            other
            for other in commits
            if other is not commit and first_line(other.message) == title.group(1)
        ]
    return []
