"""Finds out which of Sentry's webhooks a body is, and which entries come of it."""

from datetime import datetime

from server.ingest.delivery import Delivery, Fault, InvalidPayload
from server.ingest.lenient_json import read_json
from server.ingest.notes import Notes
from server.ingest.sentry.event import (
    Surroundings,
    empty_fault,
    event_entry,
    is_empty,
)
from server.ingest.sentry.fields import delivery_identity
from server.ingest.sentry.issue import action_of, issue_delivery
from server.ingest.sentry.metric import metric_delivery
from server.ingest.sentry.payload import Body, Data, Event, Issue, MetricAlert
from server.ingest.text import clean_line, scalar_text

UNNAMED_RULE = "unnamed rule"
_TEST_RULE_ID = "-1"

_EXPECTED = (
    "expected the JSON object of a Sentry webhook, with `data.event` (event alert), `data.error`, "
    "`data.issue`, `data.metric_alert` or `event` (legacy webhook) in it"
)

_NO_DATA = Data()


def parse_sentry(body: bytes, resource: str | None, received: datetime) -> Delivery:
    """Return what the webhook `body` holds; raise `InvalidPayload` if it holds nothing usable.

    `resource` is the header `Sentry-Hook-Resource`; without it, the body itself tells. Anything
    else that Sentry may send (comments, installations, the callbacks of UI components, future
    resources and actions) becomes a delivery without entries.
    """
    if not body:
        return _nothing("an empty body, as UI components send it")
    notes = Notes()
    read = read_json(body, Body, notes, _EXPECTED)
    data = read.data or _NO_DATA
    named = (resource or "").strip().lower() or _resource_of(read, data)
    action = action_of(read)
    match named:
        case "event_alert":
            if action not in ("", "triggered"):
                return _nothing(f"event alert {action}")
            return _event_alert(read, data, received, notes)
        case "error":
            if action not in ("", "created"):
                return _nothing(f"error {action}")
            around = Surroundings(path=_path_of_event(data))
            event = data.error if data.error is not None else data.event
            return _occurrence("error", event, around, received, notes)
        case "issue":
            if data.issue is None or data.issue == Issue():
                raise _refused("no issue in the payload", "data.issue")
            return issue_delivery(read, data.issue, received, notes)
        case "metric_alert":
            if data.metric_alert is None or data.metric_alert == MetricAlert():
                raise _refused("no metric alert in the payload", "data.metric_alert")
            return metric_delivery(action, data, data.metric_alert, received, notes)
        case "service_hook":
            return _service_hook(read, received, notes)
        case "legacy_webhook":
            return _legacy_webhook(read, received, notes)
        case None:
            raise _refused("no event in the payload", "data.event")
    return _nothing(clean_line(f"{named} {action}", 128))


def _resource_of(body: Body, data: Data) -> str | None:
    if data.error is not None:
        return "error"
    if data.event is not None:
        return "event_alert"
    if data.issue is not None:
        return "issue"
    if data.metric_alert is not None:
        return "metric_alert"
    if data.comment_id is not None:
        return "comment"
    if data.installation is not None:
        return "installation"
    if body.event is not None:
        return "service_hook" if body.group is not None else "legacy_webhook"
    if body.fields is not None or body.installation_id is not None:
        return "callback of a UI component"
    return None


def _event_alert(body: Body, data: Data, received: datetime, notes: Notes) -> Delivery:
    alert = data.issue_alert
    rule = data.triggered_rule or (alert.title if alert else None)
    if not rule:
        notes.add("data.triggered_rule: no rule is named")
    around = Surroundings(
        path=_path_of_event(data),
        alert_rule=rule or UNNAMED_RULE,
        is_test=alert is not None and scalar_text(alert.id) == _TEST_RULE_ID,
    )
    event = data.event if data.event is not None else data.error
    return _occurrence("event_alert", event, around, received, notes)


def _legacy_webhook(body: Body, received: datetime, notes: Notes) -> Delivery:
    """Read a project's webhook without integration. It is only ever sent because a rule fired."""
    rules = [rule for rule in body.triggering_rules or () if rule]
    around = Surroundings(
        path="event",
        project=body.project,
        project_slug=body.project_slug,
        level=body.level,
        message=body.message,
        culprit=body.culprit,
        page=body.url,
        issue_id=body.id,
        alert_rule=", ".join(rules) or UNNAMED_RULE,
    )
    return _occurrence("legacy_webhook", body.event, around, received, notes)


def _service_hook(body: Body, received: datetime, notes: Notes) -> Delivery:
    """Read a service hook. Its body does not tell whether a rule fired or an event just came in."""
    group = body.group or Issue()
    around = Surroundings(
        path="event",
        project=body.project or group.project,
        level=group.level,
        culprit=group.culprit,
        page=group.permalink,
        issue_id=group.id,
    )
    return _occurrence("service_hook", body.event, around, received, notes)


def _occurrence(
    resource: str, event: Event | None, around: Surroundings, received: datetime, notes: Notes
) -> Delivery:
    if event is None or is_empty(event):
        raise InvalidPayload("no event in the payload", (empty_fault(around.path),))
    entry = event_entry(event, around, received, notes)
    identity = None
    if entry.event_id is not None:
        identity = delivery_identity(resource, entry.issue_id, entry.event_id, entry.alert_rule)
    return Delivery(entries=(entry,), identity=identity, about=resource.replace("_", " "))


def _path_of_event(data: Data) -> str:
    return "data.error" if data.error is not None else "data.event"


def _nothing(about: str) -> Delivery:
    return Delivery(entries=(), identity=None, about=about)


def _refused(problem: str, path: str) -> InvalidPayload:
    """Return the refusal of a body that holds nothing usable, with what would be right."""
    return InvalidPayload(problem, (Fault(path, _EXPECTED),))
