"""The codes of what the engine says to people; server/wording has the words."""

from enum import StrEnum


class Evidence(StrEnum):
    """Why a commit is suspected."""

    TOUCHES = "touches"
    """A ``file``, with the ``function`` if it is known; ``depth``, 0 where the error was raised;
    ``sure``, 1 or 0; ``alone``, 1 if no other commit of the deploy touches the file."""
    TOUCHES_NAME = "touches_name"
    """A ``function`` of the same name as one at this ``depth``, in any file."""
    SHARES_WORDS = "shares_words"
    BROUGHT_RELEASE = "brought_release"
    UNLIKELY_KIND = "unlikely_kind"
    """The commit is of a ``kind`` that hardly breaks production."""
    ADDS_LINES = "adds_lines"
    DEPLOYED_BEFORE = "deployed_before"
    """Deployed this many ``minutes`` before the error."""
    TAKEN_AWAY = "taken_away"
    """A deploy went back behind it this many ``minutes`` before the error."""


class Action(StrEnum):
    """What to do first. Most of its names and numbers are those of the incident."""

    SOURCE_SAYS_BACK = "source_says_back"
    SOURCE_SAYS_WORSE = "source_says_worse"
    CHECK_FIX = "check_fix"
    FIND_WHAT_RUNS_AGAIN = "find_what_runs_again"
    LOOK_AT_RULE = "look_at_rule"
    LOOK_AT_CHANGE_OF_RATE = "look_at_change_of_rate"
    ANNOUNCE_DEPLOYS = "announce_deploys"
    REVERT_SUSPECT = "revert_suspect"
    LOOK_AT_SUSPECT = "look_at_suspect"
    FIND_ONE_CAUSE = "find_one_cause"
    CHECK_DISK = "check_disk"
    CHECK_MEMORY = "check_memory"
    CHECK_WHAT_IS_OPEN = "check_what_is_open"
    CHECK_CERTIFICATE = "check_certificate"
    FIND_DEADLOCK = "find_deadlock"
    CHECK_CREDENTIALS = "check_credentials"
    CHECK_RATE_LIMIT = "check_rate_limit"
    CHECK_WHAT_IS_CALLED = "check_what_is_called"
    OPEN_PLACE = "open_place"
    TRY_ROUTE = "try_route"
    WATCH_DEPLOY = "watch_deploy"
    LOOK_AT_RISKIEST = "look_at_riskiest"
    """``commit``, ``subject``, ``added``, ``deleted`` and ``files`` of a commit of the deploy."""


class VerdictReason(StrEnum):
    """Why a deploy is judged so."""

    NEW_ISSUE = "new_issue"
    """``issue`` came ``count`` times in this many ``minutes``."""
    ABOVE_USUAL = "above_usual"
    """The same, with ``expected`` as the usual count."""
    MORE_ISSUES = "more_issues"
    NO_MORE_THAN_USUAL = "no_more_than_usual"
    TOLD_LATE = "told_late"
    SERVICE_TOO_NEW = "service_too_new"
    LATER_DEPLOY = "later_deploy"
    LIKELY_COMMIT = "likely_commit"


class End(StrEnum):
    """Why an incident ended."""

    QUIET = "quiet"
    RATES_BACK = "rates_back"
    USUAL_NOW = "usual_now"
    TOO_MANY_OPEN = "too_many_open"
    RESOLVED = "resolved"
    """``by`` somebody."""
    SILENCED = "silenced"
    """``by`` somebody."""
    DEPLOY_JUDGED = "deploy_judged"
    """With the ``verdict``."""
