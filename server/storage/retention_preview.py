"""Counts what the next round of retention would remove, and changes nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select

from server.settings.settings import Settings
from server.storage.database import Database, Transaction
from server.storage.journal.disk import missing_bytes
from server.storage.journal.file import JournalFile
from server.storage.main import (
    checkpoints,
    commit_authors,
    dead_letters,
    decisions,
    deploys,
    entry_ids,
    incidents,
    outbox,
    slack_messages,
    troubles,
)
from server.storage.retention import DAY_US, size_for_the_disk


async def preview(
    settings: Settings,
    journal: JournalFile,
    database: Database,
    wall: int,
    missing: Callable[[Path], int] = missing_bytes,
) -> Mapping[str, int]:
    """Return how many rows would go, by table; `wall` is now, in microseconds.

    What goes because the journal is too large, or the disk is nearly full (`missing` as in
    `Retention`), is estimated from the average size of an event. The messages about an incident
    that goes are not counted: they go after it. Raises `JournalUnavailable`.
    """
    async with database.read() as tx:
        watermark = (await checkpoints.progress(tx)).watermark
        now = min(wall, journal.last_received)
        before = now - settings.retention_incident_days * DAY_US
        bound = min(watermark, journal.last_seq - 1)
        first = next((each.seq for each in journal.read(0, 1, 0)), None)
        short = missing(settings.journal_path.parent)
        last = (
            0
            if first is None
            else min(bound, _last_not_wanted(settings, journal, first, now, short))
        )
        queries: dict[str, Select[Any]] = {
            "incidents": incidents.old(before, watermark),
            "deploys": deploys.old(before),
            "dead_letters": dead_letters.old(before, watermark),
            "outbox": outbox.old(before),
            "commit_authors": commit_authors.old(before),
            "troubles": troubles.old(before),
            "slack_messages": slack_messages.old(before),
        }
        if first is not None:
            kept = max(first, last + 1)
            queries["decision_batches"] = decisions.old_batches(kept)
            queries["notable_decisions"] = decisions.old_notable(kept)
            queries["entry_ids"] = entry_ids.old(kept)
        counts = {table: await _count(tx, query) for table, query in queries.items()}
    entries = 0 if first is None else max(0, last + 1 - first)
    return {"entries": entries, **counts}


def _last_not_wanted(
    settings: Settings, journal: JournalFile, first: int, now: int, short: int
) -> int:
    """Return the newest entry that is too old or one too many; 0 if none is."""
    too_old, a_day_old = journal.seqs_before([now - settings.retention_days * DAY_US, now - DAY_US])
    size, kept = journal.used_bytes(), journal.last_seq + 1 - first

    def beyond(wanted: float) -> int:
        excess = max(0.0, size - wanted)
        return first - 1 + min(kept, round(excess * kept / size)) if excess else 0

    for_the_disk = beyond(size_for_the_disk(journal.bytes_that_can_shrink(), short))
    return max(
        too_old or 0,
        beyond(settings.retention_max_journal_mb * 1_000_000),
        min(for_the_disk, a_day_old or 0),
    )


async def _count(tx: Transaction, query: Select[Any]) -> int:
    counted: int | None = await tx.scalar(
        select(func.count()).select_from(query.order_by(None).subquery())
    )
    return counted or 0
