"""GitHub's webhooks, each turned into entries of the journal: pure functions of the body."""

from server.ingest.github.events import parse_github

__all__ = ["parse_github"]
