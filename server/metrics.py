"""The counters and gauges of this process, in a registry of their own, for ``GET /metrics``.

Labels take values from short closed lists only; nothing that a sender chooses becomes a label.
"""

from collections.abc import Iterator

import msgspec
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST

ACCEPT_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Sentry gives up on a webhook after one second, so the line at 1.0 is the one that matters."""


class Gauges(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured when somebody asks, rather than counted as it happens."""

    engine_running: bool
    engine_restarts: int
    backlog: int
    in_flight: int
    listeners: int


class Metrics:
    """Made once by `build_app`; whoever has something to count is given it."""

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
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def text(self, gauges: Gauges) -> bytes:
        """All of it, in the Prometheus text format, with the gauges as they are now."""
        current = CollectorRegistry()
        current.register(_Measured(gauges))
        return generate_latest(self.registry) + generate_latest(current)


class _Measured(Collector):
    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        now = self._gauges
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
        yield GaugeMetricFamily(
            "pushlog_backlog_events", "Accepted, and not yet decided.", value=now.backlog
        )
        yield GaugeMetricFamily(
            "pushlog_in_flight_events", "With the engine, and not yet decided.", value=now.in_flight
        )
        yield GaugeMetricFamily(
            "pushlog_live_streams", "Tabs that listen for news.", value=now.listeners
        )
