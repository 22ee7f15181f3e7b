"""Every decision has words, and the words carry its numbers."""

from typing import get_args

import pytest

from server.notify.news import NewsChange
from server.storage.main.incidents import RecordedChange
from server.wording.changes import bell_words, change_words, did_words, news_words
from server.wording.explain import (
    DECISIONS,
    TRIGGERS,
    explain_change,
    explain_decision,
    explain_incident,
    explain_trigger,
)
from shared.decisions import Code
from shared.incident import Change, Numbers, Symptom, Trigger
from shared.pipe import Decision
from tests.server.web.conftest import incident

RATE: Numbers = {
    "rate_per_min": 20.5,
    "usual_per_min": 0.4,
    "count": 41,
    "window_min": 2,
    "threshold": 9.0,
    "factor": 51.2,
    "log10_p": -13.1,
}


OF_THE_SERVER = {"undecided", "dead_letter"}


def test_every_code_has_words_and_no_other_has() -> None:
    assert set(DECISIONS) == {code.value for code in Code} | OF_THE_SERVER


def test_every_trigger_and_every_change_on_a_timeline_has_words() -> None:
    assert set(TRIGGERS) == set(get_args(Trigger))
    for change in {*get_args(RecordedChange), *get_args(Change)} - {"updated"}:
        assert change_words(change)
    assert change_words("escalated") == "Got worse"


def test_every_kind_of_news_has_words() -> None:
    for change in get_args(NewsChange):
        assert news_words(change)
        assert bell_words(change, "spike")
        assert did_words(change)
    assert bell_words("opened", "spike") == "Spike"
    assert bell_words("ended", None) == "PushLog is well again"


@pytest.mark.parametrize(
    ("trigger", "numbers", "words"),
    [
        (
            "new_issue",
            {"environment": "production"},
            "This error has never been seen before in production.",
        ),
        (
            "regression",
            {"said_by_source": "sentry"},
            "The source (Sentry) reports that this issue is back.",
        ),
        (
            "regression",
            {"resolved_for_min": 200.0, "release": "shop@2"},
            "This error is back, 3 h 20 min after it was resolved, in release shop@2.",
        ),
        (
            "regression",
            {"silent_min": 2880.0, "longest_gap_min": 61.0, "known_gaps": 40},
            "This error is back after 2 d of silence. The longest of its 40 earlier "
            "gaps was 1 h 1 min.",
        ),
        (
            "spike",
            {"said_by_source": "sentry"},
            "The source (Sentry) reports that this issue is escalating.",
        ),
        (
            "spike",
            {"part_of": "service"},
            "This error is part of a current problem with the whole service.",
        ),
        (
            "spike",
            RATE,
            "41 events within 2 min, 51.2 times the usual 0.8. A spike starts at 9, which chance "
            "alone hardly ever reaches; the odds of this many are 1 in 10,000,000,000,000.",
        ),
        (
            "spike",
            {**RATE, "different_errors": 41, "log10_p": -30.0},
            "41 rare errors of this service within 2 min, 51.2 times the usual 0.8. A spike "
            "starts at 9, which chance alone hardly ever reaches; the odds of this many are 1 in "
            "more than 10¹⁵.",
        ),
        (
            "deploy",
            {"commits": 1, "authors": 1, "files": 3, "added": 1200, "deleted": 4},
            "A deploy was reported: 1 commit, 1 author, 3 files; 1,200 lines added, 4 deleted.",
        ),
        (
            "deploy",
            {
                "commits": 2,
                "authors": 2,
                "files": 3,
                "added": 0,
                "deleted": 4,
                "highest_risk": 0.71,
            },
            "A deploy was reported: 2 commits, 2 authors, 3 files; 0 lines added, "
            "4 deleted. The highest risk score is 0.71.",
        ),
        (
            "alert",
            {"alert_rule": "High p95"},
            "The alert rule “High p95” fired at the source.",
        ),
    ],
)
def test_a_trigger_is_said_with_its_numbers(trigger: Trigger, numbers: Numbers, words: str) -> None:
    assert explain_trigger(trigger, numbers) == words


@pytest.mark.parametrize("trigger", get_args(Trigger))
def test_numbers_of_another_engine_are_said_as_they_are(trigger: Trigger) -> None:
    assert explain_trigger(trigger, {}) == f"{TRIGGERS[trigger]}."
    said = explain_trigger(trigger, {"moon_phase": 0.5, "tide": "high"})
    assert said == f"{TRIGGERS[trigger]} (moon phase 0.5, tide high)."


@pytest.mark.parametrize("code", Code)
def test_a_decision_without_numbers_is_still_a_sentence(code: Code) -> None:
    assert explain_decision(Decision(1, code)) == f"{DECISIONS[code]}."


@pytest.mark.parametrize("odd", ["many", "", float("inf"), float("nan"), -(10**400)])
@pytest.mark.parametrize("trigger", ["regression", "spike", "deploy", "alert", "new_issue"])
def test_a_number_that_is_none_is_said_as_it_is(trigger: Trigger, odd: float | str) -> None:
    names = ["silent_min", "known_gaps", "longest_gap_min", "window_min", "usual_per_min", "count"]
    names += ["factor", "threshold", "log10_p", "commits", "authors", "files", "added", "deleted"]
    numbers = dict.fromkeys(names, odd)
    said = explain_decision(Decision(1, Code.OPENED, "inc-1", {"trigger": trigger, **numbers}))
    assert said.startswith("It opened an incident (inc-1). ")
    known = explain_decision(Decision(1, Code.KNOWN, None, numbers))
    assert known.startswith("Its issue is known")


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (
            Decision(1, Code.JOINED, "inc-1", {"trigger": "spike", **RATE}),
            "Its issue joined an open incident (inc-1). 41 events within 2 min, ",
        ),
        (
            Decision(1, Code.ESCALATED, "inc-1", {"severity": "critical", "events": 1234}),
            "It made an open incident worse (inc-1): now critical, after 1,234 events.",
        ),
        (
            Decision(
                1,
                Code.KNOWN,
                None,
                {"rate_per_min": 0.5, "usual_per_min": 0.41, "threshold": 9.0, "factor": 1.2},
            ),
            "Its issue is known and not unusually frequent: 0.5 events a minute, usually 0.41. "
            "A spike starts at 9 events in two minutes.",
        ),
        (
            Decision(
                1,
                Code.USUAL_BURST,
                None,
                {"rate_per_min": 40.0, "usual_per_min": 2.0, "threshold": 20.0, "bursts": 5.0},
            ),
            "Its issue often has such a burst, 5 times in 7 days: 40 events a minute, usually 2. "
            "A higher or longer one is a spike.",
        ),
        (
            Decision(1, Code.SILENCED, None, {"trigger": "new_issue"}),
            "Its issue is silenced; otherwise this would be a new issue.",
        ),
        (
            Decision(1, Code.NOTED, None, {"commits": 3}),
            "It is not an error; PushLog noted what it says (commits 3).",
        ),
        (
            Decision(1, Code.IN_INCIDENT, "inc-1"),
            "Its issue is part of an open incident, and it was counted there (inc-1).",
        ),
        (
            Decision(1, Code.OPENED, "inc-1", {"trigger": "volcano", "lava": 1}),
            "It opened an incident (inc-1) (trigger volcano, lava 1).",
        ),
        (
            Decision(1, Code.OPENED, "inc-1", {"trigger": "deploy"}),
            "It opened an incident (inc-1). A deploy was reported.",
        ),
        (
            Decision(1, Code.OTHER, None, {"depth": 2}),
            "An engine of another version decided it, with a code this PushLog does not know "
            "(depth 2).",
        ),
    ],
)
def test_a_decision_is_said_with_its_numbers(decision: Decision, words: str) -> None:
    assert explain_decision(decision).startswith(words)


def test_each_change_of_an_incident_says_what_is_new() -> None:
    symptoms = [Symptom("a", "KeyError", "", 1), Symptom("b", "KeyError", "", 1)]
    joined = incident(change="joined", issue_count=2, top_symptoms=symptoms)
    assert explain_change(joined) == "Now 2 issues: KeyError."
    worse = incident(change="escalated", severity="critical", event_count=1234)
    assert explain_change(worse) == "Now critical, after 1,234 events."
    assert explain_change(incident()) == explain_incident(incident())
