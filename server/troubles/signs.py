"""Find symptoms of trouble: those of this moment, those of a trend, and those in the tables."""

import time
from collections.abc import Callable, Sequence
from typing import get_args

from server.settings.settings import Settings
from server.storage.backup.nightly import Nightly
from server.storage.database import Database, Transaction
from server.storage.errors import STORAGE_TROUBLE
from server.storage.journal.clock import wall_micros
from server.storage.journal.disk import NEARLY_FULL, share_free
from server.storage.journal.journal import Journal
from server.storage.main import dead_letters, outbox
from server.storage.main.outbox import ChannelName, Undelivered
from server.supervisor.view import EngineView
from server.troubles.condition import Condition, find_condition
from server.troubles.kinds import Kind, Symptom
from server.troubles.rhythms import Rhythms
from server.troubles.trends import Growth, Low, NoCheckpoint, Restarts

FILLING = 0.15
"""The share of the disk that is still free when people are warned for the first time."""

LATE_MAIL_US = 600_000_000
"""A message that is still not delivered after ten minutes, in spite of tries, is a symptom."""

FORGOTTEN_US = 2 * 86_400_000_000
"""Two days after it was created, a message that was not delivered is none any more: it was given
up a day ago, and whoever could not be reached may be gone."""

RECEIVERS_NAMED = 3


class Signs:
    """Looks for symptoms, and remembers what it needs to see a trend."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        database: Database,
        engine: EngineView,
        nightly: Nightly | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = wall_micros,
    ) -> None:
        """Set up the search. `monotonic` gives seconds, `wall` microseconds since the epoch."""
        self._settings = settings
        self._journal = journal
        self._database = database
        self._engine = engine
        self._nightly = nightly
        self._monotonic = monotonic
        self._wall = wall
        self._growth = Growth()
        self._no_checkpoint = NoCheckpoint()
        self._restarts = Restarts()
        self._rhythms = Rhythms()
        self._low: dict[Kind, Low] = {"disk_85": Low(FILLING), "disk_90": Low(NEARLY_FULL)}

    async def condition(self) -> Condition:
        """Return how everything is at this moment."""
        return await find_condition(self._settings, self._journal, self._database, self._engine)

    async def beyond(self, condition: Condition) -> list[Symptom]:
        """Return the symptoms beyond those of `condition`, which is of now.

        Call it every few seconds.
        """
        found = [*self._trends(condition), *self._disk()]
        if self._nightly is not None and self._nightly.failure is not None:
            found.append(Symptom("backup", self._nightly.failure))
        if condition.database is None:
            try:
                found += await self._in_tables()
            except STORAGE_TROUBLE as error:
                found.append(Symptom("database", f"the main database: {error}"))
        return found

    def _trends(self, condition: Condition) -> list[Symptom]:
        now, engine = self._monotonic(), condition.engine
        found = []
        if self._restarts.are_many(engine.restarts, now) and engine.degraded is None:
            found.append(Symptom("engine", f"the engine ends again and again: {engine.last_exit}"))
        if self._growth.grows(engine.backlog, now):
            found.append(Symptom("queue", "more events arrive than the engine decides"))
        if condition.progress is not None and self._no_checkpoint.is_overdue(
            condition.progress, now
        ):
            found.append(
                Symptom(
                    "checkpoint",
                    "the engine has decided events for five minutes without a checkpoint",
                )
            )
        return found

    def _disk(self) -> list[Symptom]:
        if self._settings.postgres_url is not None:
            # PostgreSQL's disk is another machine's.
            return []
        try:
            free = share_free(self._settings.journal_path.parent)
        except OSError:
            # Then the journal cannot be written either, which shows by itself.
            return []
        text = f"{free:.0%} of the disk that holds the data is free"
        return [Symptom(kind, text) for kind, low in self._low.items() if low.is_low(free)]

    async def _in_tables(self) -> list[Symptom]:
        found = []
        waiting, silent, undelivered = await self._database.read_at_once(self._read)
        if waiting:
            letters = "1 dead letter waits" if waiting == 1 else f"{waiting:,} dead letters wait"
            found.append(Symptom("dead_letters", f"{letters} for somebody to settle"))
        if silent:
            found.append(Symptom("silence", "; ".join(silent)))
        channels: tuple[ChannelName, ...] = get_args(ChannelName)
        for channel in channels:
            of_channel = [each for each in undelivered if each.channel == channel]
            if of_channel:
                found.append(Symptom(channel, _not_reached(of_channel)))
        return found

    async def _read(self, tx: Transaction) -> tuple[int, list[str], Sequence[Undelivered]]:
        """Return how many dead letters wait, which sources are silent, and who is not reached."""
        now = self._wall()
        undelivered: Sequence[Undelivered] = ()
        if self._settings.tells_outside:
            undelivered = await outbox.undelivered(
                tx, created_after=now - FORGOTTEN_US, due_by=now - LATE_MAIL_US
            )
        waiting = (await dead_letters.counts(tx))["waiting"]
        return waiting, await self._rhythms.silent(tx, now), undelivered


def _not_reached(undelivered: Sequence[Undelivered]) -> str:
    named = [f"{each.receiver}: {each.reason}" for each in undelivered[:RECEIVERS_NAMED]]
    more = len(undelivered) - len(named)
    return "; ".join([*named, *([f"and {more} more receivers"] if more else ())])
