"""Makes addresses at GitHub of what was deployed. Pure."""

import re
from urllib.parse import quote

_REPOSITORY = re.compile(r"(?!\.\.?/)[\w.-]+/(?!\.\.?$)[\w.-]+", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{7,64}", re.ASCII)


def web_address(api_url: str) -> str:
    """Return where people see what the API at `api_url` gives to programs."""
    if api_url == "https://api.github.com":
        return "https://github.com"
    return api_url.removesuffix("/").removesuffix("/api/v3")


def commit_address(github: str, repository: str | None, commit: str) -> str | None:
    """Return the page of a commit; None if the repository is unknown or it is no commit's hash."""
    if not _is_repository(repository) or not _HASH.fullmatch(commit):
        return None
    return f"{github}/{repository}/commit/{commit}"


def compare_address(github: str, repository: str | None, base: str | None, head: str) -> str | None:
    """Return the comparison of what `head` (a commit or a tag) has and `base` has not."""
    if not _is_repository(repository) or not base or base == head:
        return None
    return f"{github}/{repository}/compare/{quote(base, safe='')}...{quote(head, safe='')}"


def _is_repository(name: str | None) -> bool:
    return name is not None and _REPOSITORY.fullmatch(name) is not None
