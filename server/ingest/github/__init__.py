"""Turns each of GitHub's webhooks into journal entries: pure functions of the body."""

from server.ingest.github.events import parse_github

__all__ = ["parse_github"]
