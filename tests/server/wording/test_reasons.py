"""Everything the engine says about suspects, deploys, ends and what to do first has words."""

from enum import StrEnum
from typing import Any

import pytest

from server.wording.reasons import in_words, say, say_first_actions
from shared.incident import IncidentSummary, Numbers, Reason, SuspectCommit
from shared.reasons import Action, End, Evidence, VerdictReason
from tests.server.notify.news import incident

TOUCHES: Numbers = {"function": "total", "file": "a.py", "depth": 0, "sure": 1, "alone": 1}
ISSUE: Numbers = {"issue": "TypeError in k.py", "count": 1234, "minutes": 1, "expected": 0.18}

SAID: list[tuple[StrEnum, Numbers, str]] = [
    (
        Evidence.TOUCHES,
        TOUCHES,
        "it changes total in a.py, where the error was raised; no other commit of the deploy "
        "touches this file",
    ),
    (
        Evidence.TOUCHES,
        {"file": "a.py", "depth": 1, "sure": 0, "alone": 0},
        "it changes a.py, probably on the way to the error",
    ),
    (
        Evidence.TOUCHES_NAME,
        {"function": "total", "depth": 0},
        "it changes a function named total, like one where the error was raised",
    ),
    (
        Evidence.SHARES_WORDS,
        {"words": "price, refund"},
        "its message and the error both mention “price”, “refund”",
    ),
    (
        Evidence.BROUGHT_RELEASE,
        {"release": "shop@2"},
        "it came with release shop@2, where the error was first seen",
    ),
    (
        Evidence.UNLIKELY_KIND,
        {"kind": "undone"},
        "less likely, because it was reverted within the same deploy",
    ),
    (Evidence.ADDS_LINES, {"added": 1200}, "it adds 1,200 lines"),
    (Evidence.DEPLOYED_BEFORE, {"minutes": 0}, "it was deployed when the error began"),
    (Evidence.DEPLOYED_BEFORE, {"minutes": 1}, "it was deployed 1 minute before the error"),
    (
        Evidence.TAKEN_AWAY,
        {"minutes": 5},
        "a deploy that went back took it away 5 minutes before the error",
    ),
    (
        VerdictReason.NEW_ISSUE,
        ISSUE,
        "TypeError in k.py: 1,234 in 1 minute, never seen before this deploy",
    ),
    (VerdictReason.ABOVE_USUAL, ISSUE, "TypeError in k.py: 1,234 in 1 minute, 0.18 expected"),
    (VerdictReason.MORE_ISSUES, {"issues": 5}, "and 5 more issues"),
    (VerdictReason.NO_MORE_THAN_USUAL, {"errors": 0, "minutes": 30}, "no errors in 30 minutes"),
    (
        VerdictReason.NO_MORE_THAN_USUAL,
        {"errors": 1, "minutes": 30},
        "1 error in 30 minutes, no issue more often than usual",
    ),
    (VerdictReason.TOLD_LATE, {"minutes": 60}, "it was announced 60 minutes after it went live"),
    (
        VerdictReason.SERVICE_TOO_NEW,
        {},
        "the service has not been known long enough to tell new errors from usual ones",
    ),
    (VerdictReason.LATER_DEPLOY, {}, "a later deploy went live before it could be watched"),
    (
        VerdictReason.LIKELY_COMMIT,
        {"commit": "0123456789abcdef", "confidence": 0.81, "message": "Round prices"},
        "probably caused by commit 0123456789ab (81%): Round prices",
    ),
    (End.QUIET, {}, "it is quiet again"),
    (End.RATES_BACK, {}, "its rates are back to normal"),
    (End.USUAL_NOW, {}, "it has lasted for a day and is now the usual state"),
    (End.TOO_MANY_OPEN, {}, "too many incidents are open"),
    (End.RESOLVED, {"by": "ada"}, "resolved by ada"),
    (End.SILENCED, {"by": "ada"}, "silenced by ada"),
    (
        End.DEPLOY_JUDGED,
        {"verdict": "too_little_data"},
        "the deploy has its verdict: too little data",
    ),
]


@pytest.mark.parametrize(("code", "numbers", "words"), SAID)
def test_a_reason_is_said_with_its_names_and_numbers(
    code: StrEnum, numbers: Numbers, words: str
) -> None:
    assert say(Reason(code, numbers)) == words


def test_every_reason_has_words() -> None:
    assert {code for code, _, _ in SAID} == {*Evidence, *VerdictReason, *End}


WHY: Numbers = {
    "said_by_source": "sentry",
    "resolved_for_min": 180.0,
    "release": "shop@2",
    "silent_min": 2880,
    "longest_gap_min": 90,
    "rate_per_min": 20.5,
    "usual_per_min": 0.4,
}
RISKIEST: Numbers = {"commit": "large", "subject": "Rewrite", "added": 9, "deleted": 2, "files": 3}
ACTIONS = {
    Action.SOURCE_SAYS_BACK: "Check the issue's history: Sentry reports that it came back",
    Action.SOURCE_SAYS_WORSE: (
        "Check the issue's history: Sentry reports that it is getting worse"
    ),
    Action.CHECK_FIX: (
        "Check the fix: the issue was resolved, and came back after 3 hours in release shop@2"
    ),
    Action.FIND_WHAT_RUNS_AGAIN: (
        "Find out what is running again: the error was silent for 2 days, and never before for "
        "more than 90 minutes"
    ),
    Action.LOOK_AT_RULE: "Check the alert rule “Many” of Sentry: it fired",
    Action.LOOK_AT_CHANGE_OF_RATE: (
        "Find out what changed at 09:00 UTC: 20.5 a minute instead of 0.4"
    ),
    Action.ANNOUNCE_DEPLOYS: (
        "Announce deploys of shop to production: PushLog knows of none, so it cannot name a commit"
    ),
    Action.REVERT_SUSPECT: (
        "Revert or fix commit a1b2c3d4 “Round prices” by Ada, 80 % likely the cause: it adds 7 "
        "lines"
    ),
    Action.LOOK_AT_SUSPECT: (
        "Look at commit a1b2c3d4 “Round prices” by Ada, 80 % likely the cause: it adds 7 lines"
    ),
    Action.FIND_ONE_CAUSE: (
        "Look for a single cause: 6 different errors of shop began within minutes (its database, "
        "network, configuration, the services it calls)"
    ),
    Action.CHECK_DISK: "Check the free disk space of shop",
    Action.CHECK_MEMORY: "Check the memory of shop, and what filled it when it ran out",
    Action.CHECK_WHAT_IS_OPEN: "Check what shop keeps open: a pool or a limit is exhausted",
    Action.CHECK_CERTIFICATE: (
        "Check whether the certificate of a service that shop calls has expired"
    ),
    Action.FIND_DEADLOCK: "Look for transactions that wait for each other in the database of shop",
    Action.CHECK_CREDENTIALS: "Check the credentials and permissions that shop uses",
    Action.CHECK_RATE_LIMIT: "Check how often shop sends requests: it is being rate limited",
    Action.CHECK_WHAT_IS_CALLED: "Check that what shop calls is up and responds",
    Action.OPEN_PLACE: "Open shop/cart.py:12 (total), where ValueError was raised",
    Action.TRY_ROUTE: "Try /pay in production",
    Action.WATCH_DEPLOY: (
        "Watch the errors of shop in production; PushLog says within 30 minutes whether "
        "this deploy is clean"
    ),
    Action.LOOK_AT_RISKIEST: "Look at commit large “Rewrite” first: +9 -2 lines, 3 files",
}


def with_actions(*codes: str, **changes: Any) -> IncidentSummary:
    fields: dict[str, Any] = {
        "trigger_numbers": WHY,
        "alert_rule": "Many",
        "api_route": "/pay",
        "issue_count": 6,
        "suspected_causes": [
            SuspectCommit(
                "a1b2c3d4",
                0.9,
                0.8,
                [Reason(Evidence.ADDS_LINES, {"added": 7})],
                "Ada",
                "Round prices",
            )
        ],
        "recommended_first_actions": [Reason(code, RISKIEST) for code in codes],
    }
    return incident(**(fields | changes))


def test_every_action_has_words_with_what_they_are_about() -> None:
    assert set(ACTIONS) == set(Action)
    assert say_first_actions(with_actions(*ACTIONS)) == [*ACTIONS.values()]


def test_an_action_without_what_it_is_about_is_said_plainly() -> None:
    bare = with_actions(Action.REVERT_SUSPECT, suspected_causes=[])
    assert say_first_actions(bare)[0].startswith("revert suspect (commit large")


def test_what_another_engine_says_is_said_as_it_is() -> None:
    assert say("it rhymes") == "it rhymes"
    assert say(Reason("moon_phase", {"phase": "full"})) == "moon phase (phase full)"
    assert say(Reason("moon_phase")) == "moon phase"
    assert say(Reason(Evidence.ADDS_LINES)) == "adds lines"
    assert say(Reason(Evidence.DEPLOYED_BEFORE, {"minutes": "soon"})) == (
        "deployed before (minutes soon)"
    )


def test_an_incident_in_words_has_no_code_left() -> None:
    said = in_words(with_actions(Action.CHECK_DISK))
    assert said.suspected_causes[0].evidence == ["it adds 7 lines"]
    assert said.recommended_first_actions == ["Check the free disk space of shop"]
    assert in_words(said) == said
