"""Reads which repository a webhook is about, and refuses webhooks that lack a required field."""

from server.ingest.delivery import Fault, InvalidPayload
from server.ingest.github.payload import Repository
from server.ingest.text import clean_line


def missing(path: str, message: str) -> InvalidPayload:
    """Return the refusal of a body that lacks a field which has no substitute."""
    return InvalidPayload(f"the deploy cannot be read: {path} is missing", (Fault(path, message),))


def read_name(repository: Repository | None) -> str:
    """Return ``owner/name``; raise `InvalidPayload` if it is missing."""
    # Clean it first: a name of only control characters would make a service without a name.
    name = clean_line((repository and repository.full_name) or "", 512)
    if not name.rpartition("/")[2].strip():
        raise missing("repository.full_name", "expected owner/name")
    return name
