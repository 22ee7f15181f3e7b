"""What routes decide: for each question, the first that matches and answers it."""

from typing import Any

import pytest

from server.notify.outlets import WEBHOOK_RECEIVER, Outlets
from server.notify.routing.routed import AT_ONCE, Routed, holds, wait_of
from server.notify.routing.routes import applies, decide
from server.storage.main.notification_routes import RouteTarget, RouteValues, Timing
from server.storage.main.waiting_incidents import Wait
from tests.builders import START, frame
from tests.server.notify.news import incident

BOT = Outlets(
    email=True,
    slack="bot",
    slack_receiver="#alerts",
    targets=(("webhook", "a.example#1"), ("apprise", "ntfy#2")),
)
SLACK, BILLING = RouteTarget("slack"), RouteTarget("slack", "#billing")
NTFY, GONE = RouteTarget("apprise", "ntfy#2"), RouteTarget("webhook", "gone.example#9")


def decided(*routes: RouteValues, outlets: Outlets = BOT, **changes: Any) -> Routed:
    return decide(
        incident(**changes), routes, usual_slack="#shop", people=[1, 2, 3], outlets=outlets
    )


@pytest.mark.parametrize(
    ("conditions", "is_for_it"),
    [
        ({}, True),
        ({"service": "SHOP", "environment": "prod*"}, True),
        ({"service": "web"}, False),
        ({"environment": "staging"}, False),
        ({"severity": "warning"}, True),
        ({"severity": "error"}, True),
        ({"severity": "critical"}, False),
        ({"trigger": "new_issue"}, True),
        ({"trigger": "spike"}, False),
        ({"path": "shop/"}, True),
        ({"path": "billing/"}, False),
        ({"service": "shop", "trigger": "spike"}, False),
    ],
)
def test_a_route_is_for_what_all_its_conditions_match(
    conditions: dict[str, Any], is_for_it: bool
) -> None:
    failed = incident(stacktrace=[frame(file="shop/cart.py")])
    assert applies(RouteValues(**conditions), failed) is is_for_it


def test_without_routes_all_is_as_usual() -> None:
    assert decided() == Routed(timing=AT_ONCE, people=None, targets=None)


def test_each_question_is_decided_by_the_first_route_that_answers_it() -> None:
    elsewhere = RouteValues(service="web", timing=Timing("never"), people=[3], targets=[])
    who = RouteValues(people=[1])
    when = RouteValues(timing=Timing("daily"), people=[2], targets=[NTFY])
    last = RouteValues(timing=Timing("never"), targets=[SLACK])
    found = decided(elsewhere, who, when, last)
    assert found == Routed(
        timing=Timing("daily"), people=frozenset([1]), targets=(("apprise", "ntfy#2"),)
    )


def test_a_route_names_the_usual_channel_of_slack_or_another_one() -> None:
    assert decided(RouteValues(targets=[SLACK])).targets == (("slack", "#shop"),)
    both = RouteValues(targets=[SLACK, BILLING])
    assert decided(both).targets == (("slack", "#shop"), ("slack", "#billing"))


def test_an_incoming_webhook_of_slack_has_one_channel_whichever_is_named() -> None:
    webhook = Outlets(slack="webhook", slack_receiver=WEBHOOK_RECEIVER)
    named = decide(
        incident(),
        [RouteValues(targets=[SLACK, BILLING])],
        usual_slack=WEBHOOK_RECEIVER,
        people=[],
        outlets=webhook,
    )
    assert named.targets == (("slack", WEBHOOK_RECEIVER),)


def test_where_none_of_those_that_a_route_names_is_left_a_later_one_decides() -> None:
    left, usual = RouteValues(people=[9], targets=[GONE]), RouteValues(people=[2], targets=[NTFY])
    assert decided(left) == Routed()
    assert decided(left, usual).people == frozenset([2])
    assert decided(left, usual).targets == (("apprise", "ntfy#2"),)
    assert decided(RouteValues(people=[9, 3], targets=[GONE, NTFY])).people == frozenset([3])


def test_a_route_may_name_nobody() -> None:
    assert decided(RouteValues(people=[])).people == frozenset()
    assert decided(RouteValues(targets=[])).targets == ()


@pytest.mark.parametrize(
    ("timing", "severity", "events", "waits"),
    [
        (Timing("at_once"), "error", 1, False),
        (Timing("after_events", 10), "error", 9, True),
        (Timing("after_events", 10), "error", 10, False),
        (Timing("after_users", 10), "error", 100, True),
        (Timing("daily"), "warning", 1, True),
        (Timing("daily"), "critical", 1, False),
        (Timing("after_events", 10), "critical", 1, False),
        (Timing("never"), "critical", 100, True),
    ],
)
def test_what_is_critical_waits_for_nothing_but_never(
    timing: Timing, severity: str, events: int, waits: bool
) -> None:
    assert holds(timing, incident(severity=severity, event_count=events)) is waits


def test_what_people_wait_for() -> None:
    assert wait_of(Timing("after_events", 10), START) == Wait(events=10)
    assert wait_of(Timing("after_users", 20), START) == Wait(users=20)
    assert wait_of(Timing("never"), START) is None
    morning = wait_of(Timing("daily"), START)
    assert morning is not None
    assert morning.until is not None
