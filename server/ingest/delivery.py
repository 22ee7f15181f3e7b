"""What a webhook becomes before it is journalled: the entries in it, or what is wrong with it."""

import msgspec

from server.ingest.utc import in_utc
from shared.pipe import Entry


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One parsed webhook.

    `identity` recognizes a delivery that is repeated within a day; with None, the delivery is new
    each time. `about` says in a few words what it was. A delivery without entries (a comment, a
    ping) is answered 202 and has no effect, because there is nothing in it to decide on. The times
    of entries are UTC.
    """

    entries: tuple[Entry, ...]
    identity: str | None
    about: str

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "entries", tuple(map(in_utc, self.entries)))


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a payload: where it is, and what would be right."""

    path: str
    message: str


class InvalidPayload(ValueError):
    """The body cannot be made into an event; it is answered 400 with the faults."""

    def __init__(self, message: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults
