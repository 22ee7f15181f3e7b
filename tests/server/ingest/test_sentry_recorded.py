"""Real payloads of Sentry, read from beside the repository, agree with their reference reading."""

import json
from typing import Any

import pytest

from server.ingest.sentry import parse_sentry
from server.ingest.sentry.exceptions import MESSAGE, UNTYPED
from server.ingest.sentry.metric import METRIC_ALERT
from shared.event import UNKNOWN_ENVIRONMENT, Frame
from shared.pipe import EventEntry, Resolve
from tests.server.ingest.sentry_payloads import RECEIVED, assert_fit
from tests.shared_data import FOLDER, needs_shared_data

PAYLOADS = FOLDER / "contracts" / "payloads"
INDEX = PAYLOADS / "index.json"

# An event must have an exception type. Where the reference has none, we name what it is instead.
NAMED_INSTEAD = {
    "event_alert-cocoa-block-invoke.json": UNTYPED,
    "event_alert-native-sentry-cli-send-event-no-level.json": MESSAGE,
    "event_alert-python-logmessage-w-params-dict.json": MESSAGE,
    "legacy-keep-server-overload.json": MESSAGE,
    "metric_alert-warning-example.json": METRIC_ALERT,
    "metric_alert-warning-example-with-rule-action.json": METRIC_ALERT,
}

# What the reference reads as a message reports no occurrence, so it makes no event.
NO_EVENT = {
    "comment-created-docs-sample.json": "a comment decides nothing",
    "comment-updated-example.json": "a comment decides nothing",
    "installation-deleted-example.json": "an installation decides nothing",
    "issue-resolved-example.json": "resolved is a resolve, not an occurrence",
}


def recorded() -> list[dict[str, Any]]:
    if not INDEX.is_file():
        return []
    return [item for item in json.loads(INDEX.read_bytes()) if item["source"] == "sentry"]


def top_frame(stacktrace: list[Frame]) -> Frame | None:
    """The newest frame of our own code, else the newest."""
    newest = stacktrace[0] if stacktrace else None
    return next((frame for frame in stacktrace if frame.in_app), newest)


@needs_shared_data
def test_there_are_recorded_payloads() -> None:
    assert len(recorded()) >= 40


@needs_shared_data
@pytest.mark.parametrize("item", recorded(), ids=lambda item: item["file"])
def test_a_recorded_payload_is_read_as_the_reference_reads_it(item: dict[str, Any]) -> None:
    resource = None if item["resource"] == "legacy_webhook" else item["resource"]
    body = (PAYLOADS / item["file"]).read_bytes()
    delivery = parse_sentry(body, resource, RECEIVED)
    for entry in delivery.entries:
        assert_fit(entry)
    if item["file"] in NO_EVENT:
        assert not any(isinstance(entry, EventEntry) for entry in delivery.entries)
        return
    (event,) = delivery.entries
    assert isinstance(event, EventEntry)
    top = top_frame(event.stacktrace)
    expected = dict(item["expect"])
    if item["resource"] == "issue":
        # The reference assumes production. No issue webhook names an environment.
        expected["environment"] = UNKNOWN_ENVIRONMENT
    if item["file"] in NAMED_INSTEAD:
        assert expected["exception_type"] is None
        expected["exception_type"] = NAMED_INSTEAD[item["file"]]
    assert {
        "exception_type": event.exception_type,
        "message": event.message,
        "environment": event.environment,
        "severity": event.severity,
        "top_file": (top.file or top.module) if top else None,
        "top_function": top.function if top else None,
        "web_url": event.links.get("source_url"),
    } == expected


@needs_shared_data
@pytest.mark.parametrize("item", recorded(), ids=lambda item: item["file"])
def test_a_recorded_payload_is_the_same_without_its_resource_header(item: dict[str, Any]) -> None:
    body = (PAYLOADS / item["file"]).read_bytes()
    resource = None if item["resource"] == "legacy_webhook" else item["resource"]
    assert parse_sentry(body, None, RECEIVED) == parse_sentry(body, resource, RECEIVED)


@needs_shared_data
def test_different_recorded_payloads_are_different_deliveries() -> None:
    identities: dict[str, str] = {}
    for item in recorded():
        delivery = parse_sentry((PAYLOADS / item["file"]).read_bytes(), None, RECEIVED)
        if delivery.identity is not None and "with-rule-action" not in item["file"]:
            assert delivery.identity not in identities, (item["file"], identities)
            identities[delivery.identity] = item["file"]


@needs_shared_data
def test_a_recorded_resolve_names_the_issue() -> None:
    body = (PAYLOADS / "issue-resolved-example.json").read_bytes()
    (entry,) = parse_sentry(body, "issue", RECEIVED).entries
    assert isinstance(entry, Resolve)
    assert entry.issue_id == "123"
