"""Store what the journal's entries say themselves, whatever the engine decides about them."""

from server.notify.batch import Deployed
from server.storage.database import Transaction
from server.storage.journal.entry import JournalEntry
from server.storage.main import commit_authors, deploys, incidents, silences
from server.storage.main.incidents import RecordedChange
from server.storage.main.silences import NewSilence
from server.storage.times import to_micros
from shared.event import ChangeWindow, canonical_environment
from shared.pipe import (
    ChangeWindowEntry,
    EventEntry,
    Resolve,
    Silence,
    UnreadableLine,
    decode_inbound,
)

_WORTH_READING = (b'"change_window"', b'"type":"resolve"', b'"type":"silence"')


async def store_entry(tx: Transaction, entry: JournalEntry) -> Deployed | Resolve | Silence | None:
    """Store and return the deploy that the entry announces, or the wish about an incident."""
    if not any(mark in entry.body for mark in _WORTH_READING):
        return None
    try:
        read = decode_inbound(entry.body)
    except UnreadableLine:
        # Another version wrote it. The engine cannot read it either, and its decision says so.
        return None
    match read:
        case ChangeWindowEntry() as window:
            return await _store_deploy(
                tx, entry.seq, entry.received, window.service, window.environment, window
            )
        case EventEntry(change_window=window) as event if window is not None:
            return await _store_deploy(
                tx, entry.seq, entry.received, event.service, event.environment, window
            )
        case Resolve() | Silence():
            return await _store_wish(tx, entry.seq, read)
        case _:
            return None


async def _store_deploy(
    tx: Transaction,
    seq: int,
    received: int,
    service: str,
    environment: str,
    window: ChangeWindow,
) -> Deployed:
    environment = canonical_environment(environment)
    await deploys.store(tx, service, environment, window)
    await commit_authors.note(tx, window.commits, received)
    return Deployed(seq, received, service, environment, window)


async def _store_wish(
    tx: Transaction, seq: int, wish: Resolve | Silence
) -> Resolve | Silence | None:
    """Add a line to the timeline of the named incident if it is known, and keep a silence."""
    if wish.incident_id is None:
        return None
    change = _change(wish)
    if change == "unsilenced":
        # Also when the incident itself is no longer kept.
        await silences.remove(tx, wish.incident_id)
    incident = await incidents.get(tx, wish.incident_id)
    if incident is None:
        return None
    await incidents.add_change(
        tx, wish.incident_id, seq, change, to_micros(wish.time), _about(wish)
    )
    if isinstance(wish, Silence) and change != "unsilenced":
        summary = incident.summary
        new = NewSilence(
            incident_id=wish.incident_id,
            title=summary.title,
            service=summary.service,
            environment=summary.environment,
            by=wish.by,
            reason=wish.reason,
            at=wish.time,
            until=wish.until,
        )
        await silences.put(tx, new)
    return wish


def _change(wish: Resolve | Silence) -> RecordedChange:
    if isinstance(wish, Resolve):
        return "resolved"
    if wish.until is None:
        return "silenced"
    return "snoozed" if wish.until > wish.time else "unsilenced"


def _about(wish: Resolve | Silence) -> str:
    if isinstance(wish, Resolve):
        return f"By {wish.by}."
    if wish.until is not None and wish.until <= wish.time:
        return f"By {wish.by}."
    until = "for good" if wish.until is None else f"until {wish.until:%-d %b %Y, %H:%M} UTC"
    reason = f": {wish.reason}" if wish.reason else ""
    return f"By {wish.by}, {until}{reason}."
