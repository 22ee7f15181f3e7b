"""What a webhook becomes before it is journalled: the entries in it, or what is wrong with it."""

import msgspec

from shared.pipe import Entry


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook, understood.

    `identity` tells a delivery that comes again within a day (none: it is new each time).
    `about` says in a few words what it was. A delivery without entries is answered 202 and has
    no effect: there is nothing in it to decide on (a comment, a ping).
    """

    entries: tuple[Entry, ...]
    identity: str | None
    about: str


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a payload, where, and what would be right."""

    path: str
    message: str


class InvalidPayload(ValueError):
    """No event can be made of this body; answered 400 with the faults."""

    def __init__(self, message: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults
