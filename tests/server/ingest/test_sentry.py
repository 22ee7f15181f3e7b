"""What becomes of each of Sentry's webhooks, by bodies of our own in the same shapes."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from server.ingest.sentry.exceptions import CSP_VIOLATION, MESSAGE, NO_MESSAGE
from server.ingest.sentry.metric import METRIC_ALERT
from shared.event import Frame
from shared.pipe import EventEntry, Resolve, Silence
from tests.server.ingest.sentry_payloads import RECEIVED, event_of, parsed, sample, shape

HAPPENED = datetime(2025, 3, 4, 9, 0, 0, 250000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "exception_type", "newest_in_app", "chained"),
    [
        ("python", "GatewayTimeout", "checkout/gateway.py", ["PaymentFailed"]),
        ("javascript", "TypeError", "./src/cart/summary.tsx", []),
        ("java", "SQLTransientConnectionException", None, ["StockUnavailableException"]),
        ("go", "*net.OpError", "queue/worker.go", ["*fmt.wrapError"]),
        ("ruby", "NoMethodError", "app/models/invoice.rb", []),
        (
            "php",
            "Elastic\\Elasticsearch\\Exception\\ClientResponseException",
            "/app/Search/ProductIndex.php",
            [],
        ),
    ],
)
def test_an_alert_is_its_root_cause_with_the_newest_frame_first(
    name: str, exception_type: str, newest_in_app: str | None, chained: list[str]
) -> None:
    event = event_of(sample(name), "event_alert")
    assert event.exception_type == exception_type
    files = [frame.file for frame in event.stacktrace if frame.in_app]
    assert (files[0] if files else None) == newest_in_app
    assert [link.exception_type for link in event.chain] == chained
    assert event.severity == "error"
    assert event.occurrence


def test_an_alert_has_every_fact_that_its_payload_has() -> None:
    event = event_of(sample("python"), "event_alert")
    assert event.source == "sentry"
    assert event.service == "checkout"
    assert event.environment == "production"
    assert event.timestamp == HAPPENED
    assert event.message == "payments.example.com did not answer within 5.0 s"
    assert event.release == "checkout@3.8.1+5f2c9ab1d07e"
    assert event.platform == "python"
    assert event.issue_id == "6100000001"
    assert event.event_id == sample("python")["data"]["event"]["event_id"]
    assert event.alert_rule == "Tell PushLog of new issues"
    assert event.api_route == "/api/orders/<order_id>/pay"
    assert event.request_url == "https://shop.example.com/api/orders/90412/pay"
    assert event.links == {"source_url": sample("python")["data"]["event"]["web_url"]}
    assert event.tags["runtime"] == "CPython 3.12.9"
    assert event.fingerprint is None
    assert event.stacktrace[0] == Frame(
        file="checkout/gateway.py",
        module="checkout.gateway",
        function="charge",
        line=64,
        in_app=True,
    )
    assert event.notes == []
    assert not event.unique


def test_a_root_without_a_trace_borrows_the_nearest_one_and_says_so() -> None:
    event = event_of(sample("go"))
    assert event.stacktrace[0].function == "(*Worker).deliver"
    assert event.chain[0].stacktrace == []
    assert "exception.values[0]: has no stack trace; that of values[1] is used" in event.notes


def test_the_thread_that_crashed_stands_in_for_a_missing_trace() -> None:
    event = event_of(shape("fatal-native-crash"))
    assert event.severity == "critical"
    assert [frame.function for frame in event.stacktrace] == ["memcpy", "decode_packet", None]
    assert event.stacktrace[2].module == "/usr/lib/libc.so.6"
    assert any("1 of 4 frames name no file" in note for note in event.notes)


def test_a_message_is_named_as_one() -> None:
    event = event_of(shape("warning-message"))
    assert (event.exception_type, event.severity) == (MESSAGE, "warning")
    assert event.message == "Disk of the cache is nearly full: 91 %"
    assert event.environment == "staging"
    assert event.api_route == "cache.sweep"


def test_a_level_below_warning_is_a_warning_and_kept_as_a_tag() -> None:
    event = event_of(shape("info-message"))
    assert (event.severity, event.tags["level"]) == ("warning", "info")
    for level in ("debug", "log", "sample"):
        payload = sample()
        payload["data"]["event"] |= {"level": level, "tags": []}
        event = event_of(payload)
        assert (event.severity, event.tags) == ("warning", {"level": level})


def test_a_csp_report_is_named_as_one() -> None:
    event = event_of(shape("csp-report"))
    assert event.exception_type == CSP_VIOLATION
    assert event.message == "Blocked 'script' from 'cdn.example.net'"


def test_a_csp_report_by_a_service_hook_says_what_was_blocked() -> None:
    payload = json.loads(shape("csp-report"))
    event = payload["data"]["event"]
    event["entries"] = [{"type": "csp", "data": event.pop("csp")}]
    for name in ("message", "title", "metadata"):
        del event[name]
    assert event_of(payload).message == (
        "Blocked script-src-elem from https://cdn.example.net/a.js"
    )


def test_what_sentry_found_itself_goes_by_its_title() -> None:
    event = event_of(shape("slow-query-occurrence"))
    assert event.exception_type == "N+1 Query"
    assert event.message == "SELECT * FROM lines WHERE order_id = %s"
    assert (event.severity, event.tags["level"]) == ("warning", "info")
    assert event.api_route == "/api/orders"


def test_an_alert_full_of_nulls_is_still_an_event() -> None:
    event = event_of(shape("null-ridden"))
    assert (event.exception_type, event.message) == ("KeyError", "KeyError")
    assert event.stacktrace == [Frame(file="a.py")]
    assert event.timestamp == RECEIVED
    assert event.service == "unknown-project"
    assert len(event.notes) >= 4


def test_an_event_without_any_text_is_named_as_that() -> None:
    event = event_of({"data": {"event": {"event_id": "a1"}}})
    assert (event.exception_type, event.message) == (MESSAGE, NO_MESSAGE)


def test_an_error_webhook_is_an_event_without_a_rule() -> None:
    event = event_of(shape("error-created"), "error")
    assert event.alert_rule is None
    assert event.release == "checkout@3.8.1"
    assert event.timestamp == HAPPENED
    assert event.tags == {"level": "error", "tenant": "9"}


def test_a_fingerprint_is_taken_only_where_people_set_one() -> None:
    payload = sample()
    for parts, fingerprint in (
        (["{{ default }}"], None),
        (["{{default}}"], None),
        ([], None),
        (None, None),
        (["payments", "timeout"], "payments / timeout"),
        (["{{ default }}", "tenant-9"], "tenant-9 / issue 6100000001"),
        (["{{ transaction }}"], "issue 6100000001"),
        ([404], "404"),
    ):
        payload["data"]["event"]["fingerprint"] = parts
        assert event_of(payload).fingerprint == fingerprint


def test_long_fingerprints_that_differ_at_the_end_stay_different() -> None:
    payload, seen = sample(), set()
    for end in ("a", "b"):
        payload["data"]["event"]["fingerprint"] = ["x" * 400 + end]
        seen.add(event_of(payload).fingerprint)
    assert len(seen) == 2


def test_a_legacy_webhook_is_read_with_what_stands_around_its_event() -> None:
    event = event_of(shape("legacy-webhook"))
    assert (event.exception_type, event.message) == ("KeyError", "'sku'")
    assert (event.service, event.severity, event.environment) == (
        "checkout",
        "critical",
        "production",
    )
    assert event.release == "checkout@3.8.1"
    assert event.issue_id == "6100000009"
    assert event.alert_rule == "Tell the team, Tell PushLog"
    assert event.links["source_url"].startswith("https://acme.sentry.io/issues/6100000009/")


def test_a_service_hook_about_a_message_says_the_message() -> None:
    payload = json.loads(shape("service-hook"))
    data = {"formatted": "disk 7 is full", "message": "disk %s is full", "params": ["7"]}
    payload["event"]["entries"] = [{"type": "message", "data": data}]
    payload["event"] |= {"title": "a title", "metadata": {"title": "a title"}, "type": "default"}
    event = event_of(payload)
    assert (event.message, event.message_template) == ("disk 7 is full", "disk %s is full")


@pytest.mark.parametrize(
    "logged",
    [
        {"formatted": "disk is full", "message": "disk is full"},
        {"formatted": "disk is full"},
        {"message": "disk %s is full"},
        {"formatted": "disk is full", "message": " "},
    ],
)
def test_a_message_without_parameters_has_no_template(logged: dict[str, str]) -> None:
    payload = json.loads(shape("warning-message"))
    payload["data"]["event"] |= {"logentry": logged, "message": None}
    assert event_of(payload).message_template is None


def test_a_service_hook_is_read_from_its_rest_event() -> None:
    event = event_of(shape("service-hook"))
    assert event.exception_type == "PaymentFailed"
    assert event.stacktrace == [
        Frame(
            file="/srv/app/checkout/payment.py",
            module="checkout.payment",
            function="charge_card",
            line=123,
            in_app=True,
        ),
        Frame(
            file="flask/app.py",
            module="flask.app",
            function="dispatch_request",
            line=902,
            in_app=False,
        ),
    ]
    assert event.event_id == "0d5d6f7a8b9c4d3e8f10213243546579"
    assert event.issue_id == "6100000001"
    assert event.service == "checkout"
    assert event.tags == {"environment": "production", "level": "error"}
    assert event.request_url == "https://shop.example.com/api/orders/90412/pay"
    assert event.release == "checkout@3.8.1"
    assert event.links["source_url"].startswith("https://acme.sentry.io/organizations/acme/issues/")


def test_a_created_issue_is_news_but_no_occurrence() -> None:
    event = event_of(shape("issue-created"), "issue")
    assert not event.occurrence
    # By the time Sentry reports its creation, it may call it escalating: it is new all the same.
    assert event.source_state is None
    assert (event.exception_type, event.message) == (
        "PaymentFailed",
        "order 90412 could not be paid",
    )
    assert event.stacktrace == [Frame(file="checkout/payment.py", function="charge_card")]
    assert event.timestamp == datetime(2025, 3, 4, 9, 0, tzinfo=UTC)
    assert event.links == {
        "source_url": "https://acme.sentry.io/organizations/acme/issues/6100000001/"
    }
    assert event.tags == {"short_id": "CHECKOUT-7Q"}


@pytest.mark.parametrize("state", ["regressed", "escalating"])
def test_an_issue_that_is_back_says_how(state: str) -> None:
    event = event_of(shape(f"issue-{state}"), "issue")
    assert (event.source_state, event.occurrence) == (state, False)
    assert event.issue_id == "6100000001"
    assert event.timestamp == datetime(2025, 3, 4, 9, 4, 30, tzinfo=UTC)


def test_a_resolved_issue_is_a_resolve_with_its_release() -> None:
    (resolve,) = parsed(shape("issue-resolved-in-release"), "issue").entries
    assert resolve == Resolve(
        issue_id="6100000001", by="Ada", time=RECEIVED, release="checkout@3.8.2"
    )


@pytest.mark.parametrize(
    "details",
    [
        {"inNextRelease": True},
        {"inUpcomingRelease": True},
        {"inCommit": {"repository": "acme/shop", "commit": "3f2a9c1"}},
    ],
)
def test_an_issue_may_be_resolved_in_a_release_that_is_still_to_come(details: object) -> None:
    body = json.loads(shape("issue-resolved-in-next-release"))
    body["data"]["issue"]["statusDetails"] = details
    (resolve,) = parsed(body, "issue").entries
    assert isinstance(resolve, Resolve)
    assert (resolve.release, resolve.later) == (None, True)


@pytest.mark.parametrize(
    ("name", "until", "reason"),
    [
        (
            "issue-archived-for-two-hours",
            RECEIVED + timedelta(hours=2),
            "archived_until_condition_met",
        ),
        (
            "issue-archived-until",
            datetime(2025, 3, 9, 6, 0, tzinfo=UTC),
            "archived_until_condition_met",
        ),
        ("issue-archived-until-escalating", None, "archived_until_escalating"),
    ],
)
def test_an_archived_issue_is_a_silence(name: str, until: datetime | None, reason: str) -> None:
    (silence,) = parsed(shape(name), "issue").entries
    assert isinstance(silence, Silence)
    assert (silence.issue_id, silence.by, silence.until) == ("6100000001", "Ada", until)
    assert reason in silence.reason


def test_an_issue_that_is_archived_no_longer_ends_its_silence() -> None:
    (silence,) = parsed(shape("issue-unarchived"), "issue").entries
    assert isinstance(silence, Silence)
    assert silence.until == silence.time == RECEIVED


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("metric-alert-critical", "critical"),
        ("metric-alert-warning", "warning"),
        ("metric-alert-open", "warning"),
    ],
)
def test_a_metric_alert_is_an_event_of_its_rule(name: str, severity: str) -> None:
    event = event_of(shape(name), "metric_alert")
    assert (event.exception_type, event.message) == (METRIC_ALERT, "Failed payments")
    assert event.severity == severity
    assert (event.service, event.environment) == ("checkout", "production")
    assert event.alert_rule == "Failed payments"
    assert event.issue_id == event.fingerprint == "metric-alert-19"
    assert event.tags == {"description": "61 events in the last 5 minutes"}
    assert event.timestamp == datetime(2025, 3, 4, 9, 3, 12, tzinfo=UTC)
    assert "/alerts/rules/details/19/" in event.links["source_url"]


def test_a_metric_alert_that_is_over_resolves_the_issue_of_its_rule() -> None:
    (resolve,) = parsed(shape("metric-alert-resolved"), "metric_alert").entries
    assert resolve == Resolve(issue_id="metric-alert-19", by="Sentry", time=RECEIVED)


def test_a_test_notification_is_an_issue_of_its_own() -> None:
    assert event_of(shape("test-notification")).unique


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(issue_alert={"id": "-1"}),
        lambda data: data["event"].update(tags=[["sample_event", "yes"]]),
        lambda data: data["event"].update(title="This is an example Go exception"),
    ],
)
def test_each_mark_of_a_test_is_known(change: object) -> None:
    payload = sample()
    assert callable(change)
    change(payload["data"])
    assert event_of(payload).unique


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("comment-created", "comment"),
        ("installation-created", "installation"),
        ("issue-assigned", "issue"),
        ("ui-component-callback", None),
        ("activity-alert", "activity_alert"),
    ],
)
def test_what_decides_nothing_is_taken_without_effect(name: str, resource: str | None) -> None:
    delivery = parsed(shape(name), resource)
    assert delivery.entries == ()
    assert delivery.about


def test_what_a_user_wrote_is_no_error() -> None:
    payload = json.loads(shape("issue-created"))
    payload["data"]["issue"]["issueCategory"] = "feedback"
    delivery = parsed(payload, "issue")
    assert delivery.entries == ()
    assert delivery.about == "issue created: feedback of a user, no error"


def test_resources_and_actions_of_a_later_day_are_taken_without_effect() -> None:
    assert parsed(b"", None).entries == ()
    assert parsed({"action": "completed", "data": {}}, "size_analysis").entries == ()
    for resource, name in (("issue", "issue-created"), ("metric_alert", "metric-alert-critical")):
        body = shape(name).replace(b'"created"', b'"merged"').replace(b'"critical"', b'"paused"')
        assert parsed(body, resource).entries == ()
    payload = sample() | {"action": "snoozed"}
    assert parsed(payload, "event_alert").entries == ()


def test_the_header_counts_in_any_letters_and_the_body_without_it() -> None:
    assert parsed(sample(), " Event_Alert ") == parsed(sample(), None)
    without_action = sample()
    del without_action["action"]
    assert isinstance(parsed(without_action, "event_alert").entries[0], EventEntry)


@pytest.mark.parametrize(
    ("named", "trace"),
    [
        ({"filename": "shop/cart.py", "function": "total"}, [Frame("shop/cart.py", None, "total")]),
        ({"filename": "shop/cart.py"}, [Frame("shop/cart.py")]),
        ({"function": "total"}, [Frame(function="total")]),
        ({"filename": "\x00", "function": " "}, []),
        ({}, []),
    ],
)
def test_an_issue_has_the_frame_of_which_sentry_names_a_file_or_a_function(
    named: dict[str, str], trace: list[Frame]
) -> None:
    payload = json.loads(shape("issue-created"))
    payload["data"]["issue"]["metadata"] = {"type": "KeyError", "value": "'sku'"} | named
    assert event_of(payload, "issue").stacktrace == trace
    payload["data"]["issue"]["metadata"] = None
    assert event_of(payload, "issue").stacktrace == []
