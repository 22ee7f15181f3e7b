"""Issues that joined an incident, in words. Pure."""

from collections.abc import Sequence

from server.storage.main.joined_issues import JoinedIssue
from shared.text import first_line

MAX_NAMED = 10
MAX_NAME = 200


def names_of(joined: Sequence[JoinedIssue]) -> list[str]:
    """Name the first `MAX_NAMED` by type and message, and say how many there are beside them."""
    names = [_name(each) for each in joined[:MAX_NAMED]]
    more = len(joined) - len(names)
    return [*names, f"and {more:,} more"] if more else names


def title_of(joined: Sequence[JoinedIssue]) -> str:
    """Say it on one line."""
    if len(joined) == 1:
        return f"New error in it: {_name(joined[0])}"
    kinds = ", ".join(list(dict.fromkeys(each.exception_type for each in joined))[:MAX_NAMED])
    return f"{len(joined):,} new errors in it: {kinds}"


def _name(issue: JoinedIssue) -> str:
    message = first_line(issue.message)
    name = f"{issue.exception_type}: {message}" if message else issue.exception_type
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
