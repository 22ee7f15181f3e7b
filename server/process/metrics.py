"""The counters and gauges of this process, in their own registry, for ``GET /metrics``.

Labels take values only from short closed lists; nothing that a sender chooses becomes a label.
"""

import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import msgspec
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.incident import Trigger

CONTENT_TYPE = CONTENT_TYPE_LATEST

ACCEPT_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Sentry gives up on a webhook after one second, so the bucket at 1.0 is the one that matters."""

LAG_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

_CHANNELS = ("email", "slack", "webhook", "apprise")

_LABELS: dict[str, tuple[tuple[str, ...], ...]] = {
    "webhooks": (
        ("sentry", "incidents", "github"),
        ("accepted", "duplicate", "no_event", "refused", "invalid", "not_stored", "queue_full"),
    ),
    "deliveries": (_CHANNELS, ("sent", "retried", "failed")),
    "delivery_failures": (
        _CHANNELS,
        ("connection", "settings", "message", "limit", "defect"),
    ),
}
"""Values that can be known in advance exist from the start, with 0.

Prometheus does not see an increase from nothing to 1, which for a failure is the one that matters.
"""


class Gauges(msgspec.Struct, frozen=True, kw_only=True):
    """Values that are measured on request, not counted as they happen.

    A value that is None could not be measured, and is left out.
    """

    well: bool
    engine_running: bool
    engine_restarts: int
    engine_memory_bytes: int | None
    backlog: int
    oldest_waiting_s: float
    in_flight: int
    listeners: int
    outbox: Mapping[str, int] | None
    troubles: Mapping[str, int]
    """1 for each kind of which one is open, otherwise 0."""
    last_backup: float | None
    """In seconds since the epoch."""
    disk_free: float | None
    leads: bool
    """Whether this server runs the engine and tells people."""
    files: Mapping[str, int]
    """Bytes of each database on the disk, by its name."""


class Metrics:
    """The metrics, made once by `build_app` and given to everything that counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.webhooks = Counter(
            "pushlog_webhooks",
            "Webhooks by source and by what became of them.",
            ("source", "outcome"),
            registry=self.registry,
        )
        self.accept_seconds = Histogram(
            "pushlog_accept_seconds",
            "From an understood webhook to the commit of its event.",
            buckets=ACCEPT_BUCKETS_S,
            registry=self.registry,
        )
        self.decisions = Counter(
            "pushlog_decisions",
            "What became of each event (docs/DECISIONS.md).",
            ("code",),
            registry=self.registry,
        )
        self.incidents = Counter(
            "pushlog_incidents",
            "Incidents opened.",
            ("trigger",),
            registry=self.registry,
        )
        self.deliveries = Counter(
            "pushlog_deliveries",
            "Mails and Slack messages by what became of them; a digest counts as what is in it.",
            ("channel", "outcome"),
            registry=self.registry,
        )
        self.delivery_failures = Counter(
            "pushlog_delivery_failures",
            "Tries to deliver a message that failed, by where the failure lies.",
            ("channel", "kind"),
            registry=self.registry,
        )
        self.refreshes = Counter(
            "pushlog_slack_refreshes",
            "Edits of Slack messages whose incident went on, by what became of them.",
            ("outcome",),
            registry=self.registry,
        )
        self.suspect_answers = Counter(
            "pushlog_suspect_answers",
            "Answers of people about suspect commits; one that is changed counts again.",
            ("answer",),
            registry=self.registry,
        )
        self.removed = Counter(
            "pushlog_removed",
            "Rows that retention has removed.",
            ("table",),
            registry=self.registry,
        )
        self.journal_bytes = Gauge(
            "pushlog_journal_bytes",
            "Bytes of the journal that are in use, as of the last minute.",
            registry=self.registry,
        )
        self.loop_lag_seconds = Histogram(
            "pushlog_event_loop_lag_seconds",
            "By how much timers of the event loop went off too late.",
            buckets=LAG_BUCKETS_S,
            registry=self.registry,
        )
        for counter, (firsts, seconds) in (
            (self.webhooks, _LABELS["webhooks"]),
            (self.deliveries, _LABELS["deliveries"]),
            (self.delivery_failures, _LABELS["delivery_failures"]),
        ):
            for values in itertools.product(firsts, seconds):
                counter.labels(*values)
        for trigger in get_args(Trigger):
            self.incidents.labels(trigger)
        for answer in ("right", "wrong"):
            self.suspect_answers.labels(answer)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def count_answer(self, is_right: bool) -> None:
        """Count what somebody said about a suspect commit."""
        self.suspect_answers.labels(answer="right" if is_right else "wrong").inc()

    def text(self, gauges: Gauges) -> bytes:
        """Return everything in the Prometheus text format, with the gauges as they are now."""
        current = CollectorRegistry()
        current.register(_Measured(gauges))
        return generate_latest(self.registry) + generate_latest(current)


class _Measured(Collector):
    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        now = self._gauges
        yield GaugeMetricFamily("pushlog_well", "1 while /health says ok.", value=float(now.well))
        yield GaugeMetricFamily(
            "pushlog_leads",
            "1 on the server that runs the engine; there may be others that share its database.",
            value=float(now.leads),
        )
        yield GaugeMetricFamily(
            "pushlog_engine_running",
            "1 while the engine is up and takes events.",
            value=float(now.engine_running),
        )
        yield CounterMetricFamily(
            "pushlog_engine_restarts",
            "How often the engine was started again.",
            value=now.engine_restarts,
        )
        if now.engine_memory_bytes is not None:
            yield GaugeMetricFamily(
                "pushlog_engine_memory_bytes",
                "Resident memory of the engine's process.",
                value=now.engine_memory_bytes,
            )
        yield GaugeMetricFamily(
            "pushlog_backlog_events", "Accepted, and not yet decided.", value=now.backlog
        )
        yield GaugeMetricFamily(
            "pushlog_oldest_waiting_seconds",
            "Since when the oldest of these waits; 0 while there is none.",
            value=now.oldest_waiting_s,
        )
        yield GaugeMetricFamily(
            "pushlog_in_flight_events", "With the engine, and not yet decided.", value=now.in_flight
        )
        yield GaugeMetricFamily(
            "pushlog_live_streams", "Tabs that listen for news.", value=now.listeners
        )
        if now.outbox is not None:
            outbox = GaugeMetricFamily(
                "pushlog_outbox_deliveries",
                "Mails and Slack messages by their state.",
                labels=("state",),
            )
            for state, count in now.outbox.items():
                outbox.add_metric((state,), count)
            yield outbox
        troubles = GaugeMetricFamily(
            "pushlog_trouble", "1 while a trouble of this kind is open.", labels=("kind",)
        )
        for kind, is_open in now.troubles.items():
            troubles.add_metric((kind,), is_open)
        yield troubles
        if now.last_backup is not None:
            yield GaugeMetricFamily(
                "pushlog_last_backup_timestamp_seconds",
                "When the newest backup in BACKUP_FOLDER was made.",
                value=now.last_backup,
            )
        if now.disk_free is not None:
            yield GaugeMetricFamily(
                "pushlog_disk_free_ratio",
                "The share of the disk under the data that is free.",
                value=now.disk_free,
            )
        files = GaugeMetricFamily(
            "pushlog_file_bytes",
            "Bytes that a database takes on the disk, with its write-ahead log.",
            labels=("database",),
        )
        for database, size in now.files.items():
            files.add_metric((database,), size)
        yield files


def resident_bytes(pid: int) -> int | None:
    """Return the memory of a process, if the system tells it (Linux) and the process exists."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
