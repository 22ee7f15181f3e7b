"""Of which repository a webhook is, and the refusal of one that lacks what it must have."""

from server.ingest.delivery import Fault, InvalidPayload
from server.ingest.github.payload import Repository
from server.ingest.text import one_line


def missing(path: str, message: str) -> InvalidPayload:
    """The refusal of a body that lacks what nothing can stand in for."""
    return InvalidPayload(
        f"no deploy can be read from it: {path} is missing", (Fault(path, message),)
    )


def read_name(repository: Repository | None) -> str:
    """``owner/name``; raises `InvalidPayload` where it is missing."""
    # Cleaned first: a name of nothing but control characters would be a service without a name.
    name = one_line((repository and repository.full_name) or "", 512)
    if not name.rpartition("/")[2].strip():
        raise missing("repository.full_name", "expected owner/name")
    return name
