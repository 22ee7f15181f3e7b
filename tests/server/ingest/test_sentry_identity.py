"""What makes two Sentry webhooks one delivery, and what keeps them apart."""

from typing import Any

import pytest

from tests.server.ingest.sentry_payloads import event_of, parsed, sample, shape


def identity(payload: bytes | dict[str, Any]) -> str | None:
    return parsed(payload).identity


def test_the_same_alert_again_is_the_same_delivery() -> None:
    again = sample()
    again["actor"] = None
    again["data"]["event"]["received"] = 1.0
    assert identity(again) == identity(sample())


@pytest.mark.parametrize(
    "change",
    [
        {"event_id": "f" * 32},
        {"issue_id": "42"},
    ],
)
def test_another_event_or_issue_is_another_delivery(change: dict[str, object]) -> None:
    other = sample()
    other["data"]["event"] |= change
    assert identity(other) != identity(sample())


def test_one_event_by_two_rules_or_resources_is_two_deliveries_of_one_event_id() -> None:
    by_another_rule = sample()
    by_another_rule["data"]["triggered_rule"] = "Another rule"
    as_error = {"action": "created", "data": {"error": sample()["data"]["event"]}}
    payloads = (sample(), by_another_rule, as_error)
    assert len({identity(payload) for payload in payloads}) == 3
    assert len({event_of(payload).event_id for payload in payloads}) == 1


def test_an_event_names_its_trace_and_its_user() -> None:
    payload = sample()
    payload["data"]["event"] |= {
        "contexts": {"trace": {"trace_id": "628f2dacebe64511a4f36aeabdee5d17", "span_id": "9"}},
        "user": {"id": 42, "email": "ada@example.com", "ip_address": "203.0.113.9"},
    }
    event = event_of(payload)
    assert (event.trace_id, event.user_id) == ("628f2dacebe64511a4f36aeabdee5d17", "42")


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"email": "ada@example.com", "username": "ada"}, "ada@example.com"),
        ({"id": None, "username": "ada"}, "ada"),
        ({"id": "anonymous", "email": "", "username": "ada"}, "ada"),
        ({"ip_address": "203.0.113.9"}, None),
        ({"id": ["odd"]}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_user_is_told_by_what_stands_for_one_person(
    user: dict[str, object] | None, name: str | None
) -> None:
    payload = sample()
    payload["data"]["event"]["user"] = user
    assert event_of(payload).user_id == name


@pytest.mark.parametrize("contexts", [None, {}, {"trace": None}, {"trace": {"trace_id": None}}])
def test_an_event_without_a_trace_has_none(contexts: dict[str, object] | None) -> None:
    payload = sample()
    payload["data"]["event"]["contexts"] = contexts
    assert event_of(payload).trace_id is None


def test_what_carries_no_identity_is_new_each_time() -> None:
    nameless = sample()
    nameless["data"]["event"]["event_id"] = None
    assert identity(nameless) is None
    alert = shape("metric-alert-critical").replace(b'"id": "81"', b'"id": null')
    assert identity(alert) is None


def test_an_issue_webhook_is_told_by_issue_action_and_time() -> None:
    created = shape("issue-created")
    assert identity(created) == identity(created)
    later = created.replace(b"09:04:30", b"09:05:30")
    other = created.replace(b'"id": "6100000001"', b'"id": "6100000002"')
    regressed = shape("issue-regressed")
    assert len({identity(body) for body in (created, later, other, regressed)}) == 4


def test_archived_and_its_older_name_ignored_are_one_delivery() -> None:
    # Sentry sends both, one after the other.
    archived = shape("issue-archived-until-escalating").replace(b'"ignored"', b'"archived"', 1)
    assert identity(archived) == identity(shape("issue-archived-until-escalating"))


def test_each_turn_of_a_metric_alert_is_a_delivery() -> None:
    names = ("critical", "warning", "open", "resolved")
    bodies = [shape(f"metric-alert-{name}") for name in names]
    bodies.append(bodies[0].replace(b"61 events", b"74 events"))
    bodies.append(bodies[0].replace(b'"id": "81"', b'"id": "82"'))
    assert len({identity(body) for body in bodies}) == len(bodies)


def test_identities_stay_short_whatever_the_names_in_them() -> None:
    payload = sample()
    payload["data"]["triggered_rule"] = "rule " * 10_000
    payload["data"]["event"]["event_id"] = "e" * 10_000
    found = identity(payload)
    assert found is not None
    assert len(found) < 64
