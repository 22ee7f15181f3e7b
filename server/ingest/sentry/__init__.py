"""Sentry's webhooks, each turned into entries of the journal: pure functions of the body."""

from server.ingest.sentry.resources import parse_sentry

__all__ = ["parse_sentry"]
