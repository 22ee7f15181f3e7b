"""Reads an event back from the journal for a page, with secrets masked."""

import msgspec

from server.storage.journal.entry import JournalUnavailable
from server.storage.journal.journal import Journal
from server.web.api.events import masked_entry, read_entry
from shared.event_context import NO_CONTEXT, EventContext, unpack_context
from shared.pipe import EventEntry


class KeptEvent(msgspec.Struct, frozen=True):
    """An event of the journal, and what was around it."""

    event: EventEntry
    context: EventContext


async def find_kept_event(journal: Journal, seq: int) -> KeptEvent | None:
    """Return the event that is entry `seq`; None if it is no longer kept or cannot be read now."""
    try:
        stored = await journal.get(seq)
    except JournalUnavailable:
        return None
    return None if stored is None else kept_event(msgspec.json.encode(masked_entry(stored.body)))


def kept_event(body: bytes) -> KeptEvent | None:
    """Return the event in `body`, or None if it is another entry or of another version."""
    entry = read_entry(body)
    if not isinstance(entry, EventEntry):
        return None
    try:
        return KeptEvent(entry, unpack_context(entry.context))
    except msgspec.DecodeError:
        return KeptEvent(entry, NO_CONTEXT)
