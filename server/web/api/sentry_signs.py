"""What the newest entries of the journal say about how Sentry is set up."""

from datetime import datetime

import msgspec

from server.ingest.simulate import RULE
from server.storage.journal.entry import JournalEntry
from server.storage.journal.journal import Journal
from server.storage.times import from_micros
from server.wording.set_up import SentrySigns
from shared.pipe import EventEntry, UnreadableLine, decode_inbound

MAX_LOOKED_AT = 1_000

_CHUNK = 200
_CHUNK_BYTES = 1024 * 1024


async def look_for_signs(journal: Journal) -> SentrySigns:
    """Return when each sign was last seen in the newest entries; raise `JournalUnavailable`."""
    signs = SentrySigns()
    before = journal.last_seq + 1
    while signs.looked_at < MAX_LOOKED_AT:
        chunk = await journal.read_back(before, _CHUNK, _CHUNK_BYTES)
        if not chunk:
            break
        for stored in chunk:
            signs = _with(signs, stored)
        before = chunk[-1].seq
    return signs


def _with(signs: SentrySigns, stored: JournalEntry) -> SentrySigns:
    looked = msgspec.structs.replace(signs, looked_at=signs.looked_at + 1)
    try:
        entry = decode_inbound(stored.body)
    except UnreadableLine:
        return looked
    if not isinstance(entry, EventEntry) or entry.source != "sentry" or entry.alert_rule == RULE:
        return looked
    at = from_micros(stored.received)
    return msgspec.structs.replace(
        looked,
        alert=_first(signs.alert, at, entry.alert_rule is not None),
        error=_first(signs.error, at, entry.alert_rule is None and entry.occurrence),
        test=_first(signs.test, at, entry.unique),
        release=_first(signs.release, at, entry.release is not None),
    )


def _first(seen: datetime | None, at: datetime, is_sign: bool) -> datetime | None:
    return at if seen is None and is_sign else seen
