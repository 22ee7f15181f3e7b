"""Who is told about which change, and how."""

import pytest
from msgspec import structs

from server.notify.outlets import WEBHOOK_RECEIVER, Outlets
from server.notify.planning.deploys import plan_push, plan_verdict
from server.notify.planning.incidents import plan_change, plan_follow_up
from server.notify.planning.plan import Heard, Plan
from server.storage.main.not_told import NotTold
from server.storage.main.people import Person
from shared.incident import Verdict
from shared.pipe import DeployVerdict
from tests.builders import at, change_window
from tests.server.notify.news import (
    ended,
    escalated,
    opened,
    push,
    push_news,
    trouble_news,
    verdict_news,
)

ADA = Person(1, "Ada", "ada@acme.example", True, "all")
BO = Person(2, "Bo", "bo@acme.example", False, "all")
CY = Person(3, "Cy", None, True, "critical")
PEOPLE = (ADA, BO, CY)
BOTH = Outlets(email=True, slack="bot", slack_receiver="#alerts")


ALL = Outlets(
    email=True,
    slack="webhook",
    slack_receiver="w",
    targets=(("webhook", "a.example#1"), ("webhook", "b.example#2"), ("apprise", "ntfy#3")),
)


def keys(plan: Plan) -> list[str]:
    return [delivery.key for delivery in plan.deliveries]


def test_services_and_deploys_go_to_their_own_channels() -> None:
    outlets = Outlets(
        slack="bot",
        slack_receiver="#alerts",
        slack_deploys="#deploys",
        slack_services={"shop": "#shop"},
    )
    assert outlets.slack_for(opened()) == "#shop"
    assert outlets.slack_for(opened(service="other")) == "#alerts"
    assert outlets.slack_for(push_news()) == outlets.slack_for(verdict_news()) == "#deploys"
    assert outlets.slack_for(trouble_news()) == "#alerts"
    assert outlets.slack_receivers == ["#alerts", "#deploys", "#shop"]
    without = Outlets(slack="bot", slack_receiver="#alerts", slack_services={"shop": "#shop"})
    assert without.slack_for(push_news()) == "#shop"


def test_each_channel_that_heard_hears_of_the_end_also_one_that_is_no_longer_set() -> None:
    heard = Heard(outside=frozenset({("slack", "#before"), ("slack", "#alerts")}))
    plan = plan_follow_up(ended(), 0, people=(), outlets=BOTH, heard=heard)
    assert [each.receiver for each in plan.deliveries] == ["#alerts", "#before"]


def test_where_slack_is_reached_in_another_way_now_its_usual_channel_hears_of_the_end() -> None:
    by_webhook = Heard(outside=frozenset({("slack", WEBHOOK_RECEIVER)}))
    plan = plan_follow_up(ended(), 0, people=(), outlets=BOTH, heard=by_webhook)
    assert [each.receiver for each in plan.deliveries] == ["#alerts"]
    by_bot = Heard(outside=frozenset({("slack", "#alerts"), ("slack", "#shop")}))
    webhook = Outlets(slack="webhook", slack_receiver=WEBHOOK_RECEIVER)
    plan = plan_follow_up(ended(), 0, people=(), outlets=webhook, heard=by_bot)
    assert [each.receiver for each in plan.deliveries] == [WEBHOOK_RECEIVER]


def test_the_bell_rings_for_all_mail_goes_to_who_wants_it_and_slack_gets_one() -> None:
    plan = plan_change(opened(), 7, people=PEOPLE, floor="all", outlets=BOTH)
    assert plan.people == [1, 2]
    assert keys(plan) == [
        "inc-0000000000000001/opened/7/email/person-1",
        "inc-0000000000000001/opened/7/slack",
    ]
    assert [each.receiver for each in plan.deliveries] == ["ada@acme.example", "#alerts"]
    assert [(each.person_id, each.reason) for each in plan.not_told] == [
        (2, "mail_not_wanted"),
        (3, "below_own_severity"),
    ]


def test_who_did_not_hear_of_it_when_it_opened_hears_when_it_is_bad_enough() -> None:
    plan = plan_change(escalated(), 9, people=[CY], floor="all", outlets=BOTH)
    assert plan.people == [3]


def test_below_the_floor_of_the_installation_nobody_is_told_by_any_way() -> None:
    plan = plan_change(opened(), 7, people=PEOPLE, floor="critical", outlets=BOTH)
    assert (plan.people, plan.deliveries) == ([], [])
    assert plan.not_told == [NotTold(way="any", reason="below_severity", detail="critical")]


def test_by_a_way_that_is_not_set_up_nothing_goes() -> None:
    plan = plan_change(opened(), 7, people=PEOPLE, floor="all", outlets=Outlets())
    assert (plan.people, plan.deliveries) == ([1, 2], [])
    assert {each.way for each in plan.not_told} == {"any"}


def test_the_end_is_told_to_those_who_heard_of_it_and_by_the_same_ways() -> None:
    mails = [("email", "ada@acme.example"), ("email", "bo@acme.example")]
    heard = Heard(frozenset([1, 2]), frozenset(mails))
    plan = plan_follow_up(ended(), 0, people=PEOPLE, outlets=BOTH, heard=heard)
    assert plan.people == [1, 2]
    assert keys(plan) == ["inc-0000000000000001/ended/0/email/person-1"]
    heard = Heard(outside=frozenset([("slack", "#alerts")]))
    plan = plan_follow_up(ended(), 0, people=PEOPLE, outlets=BOTH, heard=heard)
    assert (plan.people, keys(plan)) == ([], ["inc-0000000000000001/ended/0/slack"])


@pytest.mark.parametrize(
    ("source", "tags", "in_slack"),
    [
        ("github", {"pusher": "ada", "branch": "main"}, False),
        ("github", {"deployment": "7"}, True),
        ("curl", {"pusher": "ada", "branch": "main"}, True),
    ],
)
def test_a_push_is_told_in_slack_once_also_where_it_is_an_incident(
    source: str, tags: dict[str, str], in_slack: bool
) -> None:
    news = opened(trigger="deploy", source=source, tags=tags)
    plan = plan_change(news, 7, people=[ADA], floor="all", outlets=BOTH)
    assert ("slack" in [each.channel for each in plan.deliveries]) is in_slack
    reasons = [each.reason for each in plan.not_told]
    assert reasons == ([] if in_slack else ["told_as_push"])
    assert "email" in [each.channel for each in plan.deliveries]
    worse = escalated(trigger="deploy", source=source, tags=tags)
    plan = plan_change(worse, 9, people=[], floor="all", outlets=BOTH)
    assert len(plan.deliveries) == 1


def test_a_push_is_told_without_its_hundreds_of_files() -> None:
    window = change_window(push=push())
    assert "shop/cart.py" in str(window)
    plan = plan_push(5, "shop", "production", window, BOTH)
    assert plan is not None
    assert keys(plan) == ["push/5/slack"]
    assert b"shop/cart.py" not in plan.deliveries[0].news
    assert plan_push(5, "shop", "production", window, Outlets(email=True)) is None
    unpushed = structs.replace(window, push=None)
    assert plan_push(5, "shop", "production", unpushed, BOTH) is None


def test_only_a_bot_can_write_a_verdict_into_the_message_about_the_push() -> None:
    verdict = DeployVerdict("shop", "production", at(0), "faulty", ["two new issues"])
    plan = plan_verdict(verdict, BOTH)
    assert plan is not None
    assert plan.deliveries[0].key.startswith("verdict/shop/production/")
    assert plan_verdict(verdict, Outlets(slack="webhook", slack_receiver="w")) is None


def test_every_target_is_told_what_slack_is_told_each_in_its_own_delivery() -> None:
    plan = plan_change(opened(), 7, people=(), floor="all", outlets=ALL)
    assert keys(plan) == [
        "inc-0000000000000001/opened/7/slack",
        "inc-0000000000000001/opened/7/webhook/a.example#1",
        "inc-0000000000000001/opened/7/webhook/b.example#2",
        "inc-0000000000000001/opened/7/apprise/ntfy#3",
    ]
    plan = plan_change(opened(), 7, people=(), floor="critical", outlets=ALL)
    assert plan.deliveries == []


def test_a_target_that_was_not_told_of_an_incident_is_not_told_of_its_end() -> None:
    heard = Heard(outside=frozenset([("webhook", "b.example#2"), ("webhook", "old.example#4")]))
    plan = plan_follow_up(ended(), 0, people=(), outlets=ALL, heard=heard)
    assert keys(plan) == ["inc-0000000000000001/ended/0/webhook/b.example#2"]


def test_a_push_is_told_to_targets_once_also_where_it_is_an_incident() -> None:
    window = change_window(push=push())
    plan = plan_push(5, "shop", "production", window, ALL)
    assert plan is not None
    assert len(plan.deliveries) == 4
    news = opened(trigger="deploy", source="github", tags={"pusher": "ada", "branch": "main"})
    plan = plan_change(news, 7, people=(), floor="all", outlets=ALL)
    assert plan.deliveries == []
    assert [each.way for each in plan.not_told] == ["slack", "webhook", "apprise"]


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ("faulty", ["webhook", "webhook", "apprise"]),
        ("suspect", ["webhook", "webhook", "apprise"]),
        ("clean", ["webhook", "webhook"]),
    ],
)
def test_programs_hear_every_verdict_and_people_those_that_are_bad(
    verdict: Verdict, told: list[str]
) -> None:
    plan = plan_verdict(DeployVerdict("shop", "production", at(0), verdict, []), ALL)
    assert plan is not None
    assert [each.channel for each in plan.deliveries] == told
