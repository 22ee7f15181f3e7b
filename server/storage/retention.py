"""Removes old data, in steps so small that nobody waits for them.

Events are removed when they are older than `RETENTION_DAYS`, and sooner if the journal is larger
than `RETENTION_MAX_JOURNAL_MB`, or if less than a tenth of the disk is free and they are older than
a day; the decisions on them and the index of their ids are removed with them. Incidents are removed
when they ended more than `RETENTION_INCIDENT_DAYS` ago, with everything that belongs to them. The
same age applies to deploys, deliveries, settled dead letters, and troubles that are over. These are
never removed:

- Entries after the watermark, from which a restarted engine goes on. The bound is the watermark of
  the previous round: a backup looks at the main database first and at the journal a moment later,
  and must find every entry after the watermark that it has seen.
- The newest entry, which tells the journal's clock where to go on.
- What is not over: open incidents with all that was told of them, deliveries that wait, dead
  letters that nobody has settled, the deploy that runs.

Ages are counted from the newest entry or the machine's clock, whichever is earlier: a clock that is
set wrongly removes nothing while no entries come.
"""

import asyncio
import functools
import logging
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from server.process import log
from server.process.metrics import Metrics
from server.settings.settings import Settings
from server.storage.database import Database, Transaction
from server.storage.errors import STORAGE_TROUBLE
from server.storage.files.free_space import SPARE
from server.storage.journal.clock import wall_micros
from server.storage.journal.disk import NEARLY_FULL, missing_bytes
from server.storage.journal.entry import JournalEntry
from server.storage.journal.journal import Journal
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
from server.storage.pace import rest

ROUND_EVERY_S = 60.0

DAY_US = 86_400_000_000

_ENTRIES_A_STEP = 500
_BYTES_A_STEP = 1_000_000
_ROWS_A_STEP = 100

Step = Callable[[Transaction, int], Awaitable[int]]
"""Removes at most this many rows, and returns how many there were."""


def size_for_the_disk(size: int, missing: int) -> float:
    """Return how large the journal may be so that the disk has `missing` bytes more.

    `size` is how much of its file can shrink. If nothing is missing, or nothing can shrink, the
    size does not matter.
    """
    return (1 - SPARE) * (size - missing) if size and missing else math.inf


class Retention:
    """Removes old data from both databases, once a minute."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        database: Database,
        metrics: Metrics,
        wall: Callable[[], int] = wall_micros,
        missing: Callable[[Path], int] = missing_bytes,
    ) -> None:
        """Prepare the rounds.

        `wall` gives microseconds since the epoch, and `missing` the bytes that the disk of a folder
        is short of.
        """
        self._events_us = settings.retention_days * DAY_US
        self._incidents_us = settings.retention_incident_days * DAY_US
        self._max_bytes = settings.retention_max_journal_mb * 1_000_000
        self._journal = journal
        self._database = database
        self._metrics = metrics
        self._wall = wall
        self._missing_bytes = functools.partial(missing, settings.journal_path.parent)
        self._watermark: int | None = None
        """The watermark of the previous round."""
        self._removed: Counter[str] = Counter()
        """Rows removed in this round, by table."""
        self._given_back = 0
        """Bytes of both files given back to the file system in this round."""
        self._is_too_large = False
        """Set if the journal is too large even after everything that may be removed is gone."""
        self._is_short = False
        """Set while events go because the disk is nearly full."""

    @property
    def removed(self) -> Mapping[str, int]:
        """The rows that the last round removed, by table."""
        return self._removed

    async def run(self) -> None:
        """Run round after round, until cancelled."""
        while True:
            try:
                await self.tidy()
            except STORAGE_TROUBLE as error:
                log.server(logging.ERROR, f"what is old cannot be removed now: {error}")
            await asyncio.sleep(ROUND_EVERY_S)

    async def tidy(self) -> None:
        """Run one round, until nothing more may be removed. Raises what the two databases raise."""
        async with self._database.read() as tx:
            progress = await checkpoints.progress(tx)
        bound, self._watermark = self._watermark, progress.watermark
        newest = await self._journal.get(self._journal.last_seq)
        await self._measure()
        if bound is None or newest is None:
            return
        self._removed.clear()
        self._given_back = 0
        now = min(self._wall(), newest.received)
        try:
            await self._remove_events(bound, newest.seq, now)
            await self._remove_what_belonged_to_entries()
            await self._remove_results(bound, now - self._incidents_us)
            await self._give_back()
        finally:
            self._tell()

    async def _remove_events(self, bound: int, newest_seq: int, now: int) -> None:
        wanted = await self._size_for_the_disk()
        while True:
            size = await self._measure()
            is_too_large = size > self._max_bytes
            before = now - (self._events_us if size <= wanted else DAY_US)
            # Read whole entries, so that the wait for the disk is here and not where they are
            # removed.
            oldest = await self._journal.read(0, _ENTRIES_A_STEP, _BYTES_A_STEP)
            going = [
                entry
                for entry in oldest
                if entry.seq <= bound
                and entry.seq < newest_seq
                and (is_too_large or entry.received < before)
            ]
            if not going:
                self._warn(size, is_too_large)
                return
            is_short = size > wanted and not is_too_large
            self._warn_of_the_disk(is_short and going[-1].received >= now - self._events_us)
            await self._remove_entries(going)

    async def _size_for_the_disk(self) -> float:
        """Return how large the journal may be so that enough of the disk is free."""
        missing = self._missing_bytes()
        size = await self._journal.bytes_that_can_shrink() if missing else 0
        self._is_short = self._is_short and bool(size)
        return size_for_the_disk(size, missing)

    async def _remove_entries(self, going: list[JournalEntry]) -> None:
        started = time.monotonic()
        self._count("entries", await self._journal.remove(going[-1].seq))
        await rest(started)

    async def _remove_what_belonged_to_entries(self) -> None:
        kept = await self._journal.read(0, 1, 0)
        if not kept:
            return
        first = kept[0].seq
        await self._in_steps(
            "decision_batches", lambda tx, limit: decisions.remove_batches(tx, first, limit)
        )
        await self._in_steps(
            "notable_decisions", lambda tx, limit: decisions.remove_notable(tx, first, limit)
        )
        await self._in_steps("entry_ids", lambda tx, limit: entry_ids.remove_old(tx, first, limit))

    async def _remove_results(self, bound: int, before: int) -> None:
        # Incidents first: the messages about an incident can be removed once it is gone.
        steps: dict[str, Step] = {
            "incidents": lambda tx, limit: incidents.remove_old(tx, before, bound, limit),
            "deploys": lambda tx, limit: deploys.remove_old(tx, before, limit),
            "dead_letters": lambda tx, limit: dead_letters.remove_old(tx, before, bound, limit),
            "outbox": lambda tx, limit: outbox.remove_old(tx, before, limit),
            "commit_authors": lambda tx, limit: commit_authors.remove_old(tx, before, limit),
            "troubles": lambda tx, limit: troubles.remove_old(tx, before, limit),
            "slack_messages": lambda tx, limit: slack_messages.remove_old(tx, before, limit),
        }
        for table, step in steps.items():
            await self._in_steps(table, step)

    async def _in_steps(self, table: str, step: Step) -> None:
        removed = _ROWS_A_STEP
        while removed >= _ROWS_A_STEP:
            started = time.monotonic()
            async with self._database.write() as tx:
                removed = await step(tx, _ROWS_A_STEP)
            self._count(table, removed)
            await rest(started)

    async def _give_back(self) -> None:
        """Give the file system what both files will not need soon, in steps."""
        for give_back in (self._journal.give_back, self._database.give_back):
            given = 1
            while given:
                started = time.monotonic()
                given = await give_back()
                self._given_back += given
                await rest(started)

    async def _measure(self) -> int:
        size = await self._journal.used_bytes()
        self._metrics.journal_bytes.set(size)
        return size

    def _count(self, table: str, removed: int) -> None:
        self._removed[table] += removed
        self._metrics.removed.labels(table=table).inc(removed)

    def _warn(self, size: int, is_too_large: bool) -> None:
        if is_too_large and not self._is_too_large:
            log.server(
                logging.WARNING,
                f"the journal takes {size / 1e6:,.0f} MB, more than RETENTION_MAX_JOURNAL_MB: "
                "what is left of it waits for the engine, or is known again as a duplicate",
            )
        self._is_too_large = is_too_large

    def _warn_of_the_disk(self, is_short: bool) -> None:
        if is_short and not self._is_short:
            log.server(
                logging.WARNING,
                f"less than {NEARLY_FULL:.0%} of the disk is free: events that are older than a "
                "day are removed before RETENTION_DAYS says so",
            )
        self._is_short = self._is_short or is_short

    def _tell(self) -> None:
        gone = [f"{table} {count:,}" for table, count in self._removed.items() if count]
        if gone:
            log.server(logging.INFO, f"Removed what is old: {', '.join(gone)}")
        if self._given_back:
            log.server(
                logging.INFO,
                f"Gave {self._given_back / 1e6:,.1f} MB of free space back to the file system",
            )
