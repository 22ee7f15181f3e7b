"""A route is said in words that say all of it."""

from typing import Any

import pytest

from server.storage.main.notification_routes import RouteTarget, RouteValues, Timing, When
from server.wording.routes import say_conditions, say_decisions, say_timing, say_when


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({}, "All incidents"),
        ({"service": "web*"}, "All incidents of web*"),
        (
            {"trigger": "spike", "service": "web", "environment": "staging", "severity": "error"},
            "Spikes of web in staging of severity error or critical",
        ),
        ({"path": "billing/"}, "All incidents with billing/ in the stack trace"),
    ],
)
def test_which_incidents_it_is_for(conditions: dict[str, Any], said: str) -> None:
    assert say_conditions(RouteValues(**conditions)) == said


@pytest.mark.parametrize(
    ("decided", "said"),
    [
        ({"timing": Timing("after_events", 10)}, ["When: after 10 events"]),
        ({"people": [1, 2, 9]}, ["Who: Ada, Bo"]),
        ({"people": []}, ["Who: nobody"]),
        ({"targets": []}, ["Where: nowhere"]),
        (
            {
                "timing": Timing("daily"),
                "targets": [RouteTarget("slack"), RouteTarget("webhook", "a.example#1")],
            },
            ["When: in the morning", "Where: the usual channel of Slack, webhook a.example#1"],
        ),
    ],
)
def test_what_it_decides(decided: dict[str, Any], said: list[str]) -> None:
    assert say_decisions(RouteValues(**decided), {1: "Ada", 2: "Bo"}) == said


@pytest.mark.parametrize(
    ("when", "count", "said"),
    [
        ("at_once", None, "at once"),
        ("after_users", 25, "after 25 users"),
        ("never", None, "never"),
    ],
)
def test_when_people_are_told(when: When, count: int | None, said: str) -> None:
    assert say_timing(Timing(when, count)) == said
    assert say_when("after_users") == "after a number of users"
