"""The list of webhooks, newest first: accepted ones from the journal, all others from their table.

Both are read from the end, page by page, by number. Wanted webhooks may be rare, so a page looks
through only a bounded stretch of the journal. It may be short, or empty, and still not be the last.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

from server.ingest.github.events import delivery_identity
from server.storage.database import Database, Transaction
from server.storage.journal.entry import JournalEntry
from server.storage.journal.ids import canonical_id, ids_of
from server.storage.journal.journal import Journal
from server.storage.main import checkpoints, decisions, entry_ids, webhooks
from server.storage.main.webhooks import END, Route, Unentered, UnenteredWebhook
from server.storage.times import to_micros
from server.wording.explain import explain_decision
from server.wording.incoming import UNREADABLE, became, why_decided, why_unentered
from shared.pipe import (
    ChangeWindowEntry,
    Decision,
    Entry,
    EventEntry,
    Resolve,
    Silence,
    UnreadableLine,
    decode_inbound,
)

MAX_LOOKED_AT = 2_000
"""Entries to read for a page; those of the wanted source are kept."""

MAX_SEARCHED = 20_000
"""Entries to read for a page if an id is asked for, of those in which it may be."""

_CHUNK = 200
_CHUNK_BYTES = 1024 * 1024

OutcomeAsked = Literal["accepted", "not_accepted", Unentered]


class WebhookFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which webhooks are asked for; `id` is the sender's id of anything that it sent."""

    source: Route | None = None
    outcome: OutcomeAsked | None = None
    id: str | None = None


class Place(msgspec.Struct, frozen=True):
    """Where a page begins: entries before `seq`, rows of the table before `row`."""

    seq: int = END
    row: int = END


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook with what became of it. For an accepted one, `size_bytes` is that of its entry.

    `sender` is the name in the event itself. `seq` is its entry or, for a duplicate, the entry that
    it repeats; `decision`, `reason` and `incident_id` belong to that entry.
    """

    at: int
    source: Route
    sender: str | None
    outcome: webhooks.Outcome
    about: str
    reason: str
    size_bytes: int | None
    seq: int | None
    event_id: str | None
    delivery_id: str | None
    decision: str | None
    incident_id: str | None
    more_like_it: int


class WebhookPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some webhooks, and where the next page begins.

    `looked_back_to` is the time, in microseconds, of the oldest entry that was checked, if there
    are more.
    """

    webhooks: list[Listed]
    next: Place | None
    looked_back_to: int | None


class _Entered(msgspec.Struct, frozen=True):
    """An entry that a webhook made; `read` is None if it cannot be read."""

    stored: JournalEntry
    read: Entry | None
    source: Route


class _Stretch(msgspec.Struct):
    """What was found in the journal; everything from `reached` on was checked."""

    found: list[_Entered]
    reached: int
    is_end: bool
    oldest_at: int | None


async def read_page(
    journal: Journal, database: Database, wanted: WebhookFilter, place: Place, limit: int
) -> WebhookPage:
    """Return a page of at most `limit` webhooks; raise `JournalUnavailable`."""
    stretch = _Stretch([], 0, is_end=True, oldest_at=None)
    if wanted.outcome in (None, "accepted"):
        stretch = await _look_back(journal, database, wanted, place.seq, limit)
    async with database.read() as tx:
        others: list[UnenteredWebhook] = []
        match wanted.outcome:
            case "accepted":
                pass
            case None | "not_accepted":
                others = await _unentered(tx, wanted, None, place, limit)
            case outcome:
                others = await _unentered(tx, wanted, outcome, place, limit)
        shown, following = _merge(stretch, others, place, limit)
        seqs = [each.stored.seq if isinstance(each, _Entered) else each.first_seq for each in shown]
        decided_to = (await checkpoints.progress(tx)).recorded_seq
        decided = {seq for seq in seqs if seq is not None and seq <= decided_to}
        made = await decisions.get_some(tx, decided)
    is_cut = following is not None and not stretch.is_end
    return WebhookPage(
        webhooks=[_listed(each, made, decided_to) for each in shown],
        next=following,
        looked_back_to=stretch.oldest_at if is_cut else None,
    )


async def _unentered(
    tx: Transaction, wanted: WebhookFilter, outcome: Unentered | None, place: Place, limit: int
) -> list[UnenteredWebhook]:
    return await webhooks.newest(
        tx,
        before_id=place.row,
        limit=limit + 1,
        source=wanted.source,
        outcome=outcome,
        named=None if wanted.id is None else _names_of(wanted.id),
    )


async def _look_back(
    journal: Journal, database: Database, wanted: WebhookFilter, before: int, limit: int
) -> _Stretch:
    """Find at least `limit` + 1 wanted entries, unless they are rarer than the bounds."""
    stretch = _Stretch([], before, is_end=False, oldest_at=None)
    if wanted.id is not None:
        seq = await journal.find(delivery_identity(wanted.id))
        if seq is not None:
            stored = await journal.get(seq) if seq < before else None
            _take(stretch, [stored] if stored else [], replace(wanted, id=None), limit)
            stretch.is_end = True
            return stretch
    bound = MAX_LOOKED_AT if wanted.id is None else MAX_SEARCHED
    looked_at, size, holding_from = 0, limit + 1, before
    while looked_at < bound and len(stretch.found) <= limit:
        if wanted.id is not None and stretch.reached <= holding_from:
            async with database.read() as tx:
                holding = await entry_ids.newest_with(tx, canonical_id(wanted.id), stretch.reached)
            if holding is None:
                stretch.is_end = True
                break
            stretch.reached, holding_from = holding.last_seq + 1, holding.first_seq
        chunk = await journal.read_back(stretch.reached, size, _CHUNK_BYTES)
        if not chunk:
            stretch.is_end = True
            break
        _take(stretch, chunk, wanted, limit)
        looked_at, size = looked_at + len(chunk), _CHUNK
    return stretch


def _names_of(named: str) -> tuple[str, ...]:
    return tuple({named, canonical_id(named)})


def _take(stretch: _Stretch, chunk: list[JournalEntry], wanted: WebhookFilter, limit: int) -> None:
    """Check entries, newest first, until one more than `limit` of the wanted ones are found."""
    name = None if wanted.id is None else canonical_id(wanted.id)
    for stored in chunk:
        if len(stretch.found) > limit:
            return
        stretch.reached, stretch.oldest_at = stored.seq, stored.received
        if name is not None and name not in ids_of(stored.body):
            continue
        entered = _entered(stored)
        if entered is not None and wanted.source in (None, entered.source):
            stretch.found.append(entered)


def _entered(stored: JournalEntry) -> _Entered | None:
    """Return the entry if a webhook made it; settings and actions on the pages do not count."""
    try:
        read = decode_inbound(stored.body)
    except UnreadableLine:
        return _Entered(stored, None, "incidents")
    match read:
        case EventEntry(source=sender):
            return _Entered(stored, read, _route(sender))
        case ChangeWindowEntry(source=str() as sender):
            return _Entered(stored, read, _route(sender))
        case Resolve(incident_id=None, issue_id=str()) | Silence(incident_id=None, issue_id=str()):
            return _Entered(stored, read, "sentry")
    return None


def _route(sender: str) -> Route:
    match sender:
        case "sentry" | "github":
            return sender
    return "incidents"


def _merge(
    stretch: _Stretch, others: list[UnenteredWebhook], place: Place, limit: int
) -> tuple[list[_Entered | UnenteredWebhook], Place | None]:
    """Return the newest of both, and where to go on.

    Webhooks older than the stretch wait for their turn.
    """
    both: list[tuple[int, _Entered | UnenteredWebhook]] = [
        (each.stored.received, each) for each in stretch.found
    ]
    horizon = 0 if stretch.is_end or stretch.oldest_at is None else stretch.oldest_at
    both += [(at, each) for each in others if (at := to_micros(each.at)) >= horizon]
    shown = [each for _, each in sorted(both, key=lambda pair: pair[0], reverse=True)[:limit]]
    entries = [each.stored.seq for each in shown if isinstance(each, _Entered)]
    rows = [each.id for each in shown if isinstance(each, UnenteredWebhook)]
    if stretch.is_end and len(shown) == len(stretch.found) + len(others):
        return shown, None
    is_all_found_shown = len(entries) == len(stretch.found)
    seq = stretch.reached if is_all_found_shown else min(entries, default=place.seq)
    return shown, Place(seq or place.seq, min(rows, default=place.row))


def _listed(
    each: _Entered | UnenteredWebhook, made: dict[int, Decision], decided_to: int
) -> Listed:
    if isinstance(each, UnenteredWebhook):
        first = None if each.first_seq is None else made.get(each.first_seq)
        became_of_first = None if first is None else explain_decision(first)
        return Listed(
            at=to_micros(each.at),
            source=each.source,
            sender=None,
            outcome=each.outcome,
            about=each.reason if each.outcome in ("duplicate", "no_event") else "",
            reason=why_unentered(each.outcome, each.reason, each.first_seq, became_of_first),
            size_bytes=each.size_bytes,
            seq=each.first_seq,
            event_id=each.event_id,
            delivery_id=each.delivery_id,
            decision=first.code if first else None,
            incident_id=first.incident_id if first else None,
            more_like_it=each.more_like_it,
        )
    seq, read = each.stored.seq, each.read
    decision = made.get(seq)
    reason = why_decided(seq, decision, decided_to)
    return Listed(
        at=each.stored.received,
        source=each.source,
        sender=read.source if isinstance(read, EventEntry | ChangeWindowEntry) else None,
        outcome="accepted",
        about=UNREADABLE if read is None else became(read),
        reason=reason,
        size_bytes=len(each.stored.body),
        seq=seq,
        event_id=read.event_id if isinstance(read, EventEntry) else None,
        delivery_id=None,
        decision=decision.code if decision else None,
        incident_id=decision.incident_id if decision else None,
        more_like_it=0,
    )
