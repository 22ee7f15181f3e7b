"""Turns each of Sentry's webhooks into journal entries: pure functions of the body."""

from server.ingest.sentry.resources import parse_sentry

__all__ = ["parse_sentry"]
