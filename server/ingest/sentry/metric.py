"""Reads metric alerts: a rule about a number, which is critical, warns, or is over."""

from datetime import datetime

from server.ingest.delivery import Delivery, Fault, InvalidPayload
from server.ingest.notes import Notes
from server.ingest.sentry.exceptions import fit_message
from server.ingest.sentry.fields import (
    delivery_identity,
    read_environment,
    read_identity,
    read_service,
    source_links,
    time_of_event,
)
from server.ingest.sentry.payload import Data, MetricAlert, MetricRule
from server.ingest.text import clean_line, scalar_text
from shared.event import Severity
from shared.pipe import EventEntry, Resolve

METRIC_ALERT = "Metric alert"
"""The exception type of an alert about a number, where nothing was raised."""

_PATH = "data.metric_alert"
_STATUS_SEVERITIES: dict[int, Severity] = {10: "warning", 20: "critical"}
"""The states of an open alert in Sentry. They decide for `open`, which does not say how severe."""


def metric_delivery(
    action: str, data: Data, alert: MetricAlert, received: datetime, notes: Notes
) -> Delivery:
    """Return the entry of a `metric_alert` webhook.

    Raises `InvalidPayload` if nothing names the rule. All alerts of one rule are one issue, which
    the rule's `resolved` resolves.
    """
    about = f"metric alert {action}"
    match action:
        case "critical" | "warning":
            severity: Severity = action
        case "open":
            severity = _STATUS_SEVERITIES.get(alert.status or 0, "error")
        case "resolved":
            severity = "warning"
        case _:
            return Delivery(entries=(), identity=None, about=about)
    rule = alert.alert_rule or MetricRule()
    # In older Sentry versions, an alert's own title is a random name ("Sacred Marmot").
    title = rule.name or alert.title or data.description_title
    named = read_identity(rule.id or alert.id or title, "alert_rule.id", notes)
    if named is None:
        raise InvalidPayload(
            f"{about}: its rule is not named",
            (Fault(f"{_PATH}.alert_rule", "must have an `id`, or the alert must have a `title`"),),
        )
    issue_id = f"metric-alert-{named}"[:256]
    alert_id = read_identity(alert.id, "id", notes)
    started = clean_line(alert.date_started or alert.date_detected or "", 64)
    described = clean_line(data.description_text or "", 2048)
    # Within one alert, a rule can warn, become critical and warn again; each brings a new number.
    identity = alert_id and delivery_identity(
        "metric_alert", action, alert_id, issue_id, started, described
    )
    if action == "resolved":
        resolve = Resolve(issue_id=issue_id, by="Sentry", time=received)
        return Delivery(entries=(resolve,), identity=identity, about=about)
    entry = EventEntry(
        source="sentry",
        service=read_service(None, _project_of(alert, rule, notes), None, notes),
        environment=read_environment(rule.environment, notes),
        timestamp=time_of_event((alert.date_detected, alert.date_started), received, notes),
        severity=severity,
        exception_type=METRIC_ALERT,
        message=fit_message(title or issue_id, notes),
        tags={"description": described} if described else {},
        links=source_links(data.web_url),
        fingerprint=issue_id,
        issue_id=issue_id,
        alert_rule=read_identity(title or named, "alert_rule", notes),
        notes=notes.sentences(),
    )
    return Delivery(entries=(entry,), identity=identity, about=about)


def _project_of(alert: MetricAlert, rule: MetricRule, notes: Notes) -> str | None:
    slugs = [text for slug in alert.projects or rule.projects or () if (text := scalar_text(slug))]
    if len(slugs) > 1:
        notes.add(f"projects: {len(slugs)} projects, of which the first is the service")
    return slugs[0] if slugs else None
