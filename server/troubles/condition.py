"""How journal, main database and engine are at this moment. It takes about a millisecond."""

import asyncio
import os

import msgspec

from server.settings.settings import Settings
from server.storage.database import Database
from server.storage.errors import STORAGE_TROUBLE
from server.storage.journal.disk import KEPT_FREE, Disk
from server.storage.journal.entry import JournalUnavailable
from server.storage.journal.journal import Journal
from server.storage.main import checkpoints
from server.storage.main.checkpoints import Progress
from server.supervisor.queue import why_full
from server.supervisor.supervisor import EngineStatus
from server.supervisor.view import EngineView
from server.troubles.kinds import Symptom

PROBE_TIMEOUT_S = 2.0

LATE_S = 60.0
"""An accepted event that waits longer than this for its decision means that not all is well."""


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What is found. `journal`, `full` and `database` say what is wrong; None means well.

    `oldest_waiting_s` is the age of the oldest event without a decision; None if nothing waits.
    `progress` is None if the database cannot be read.
    """

    journal: str | None
    full: str | None
    database: str | None
    engine: EngineStatus
    oldest_waiting_s: float | None
    progress: Progress | None

    def symptoms(self) -> list[Symptom]:
        """Return what is wrong, the gravest first. A start is no trouble, nor is a young event."""
        found = []
        if self.journal is not None:
            found.append(Symptom("refusing", f"the journal: {self.journal}"))
        if self.full is not None:
            found.append(Symptom("refusing", self.full))
        if self.database is not None:
            found.append(Symptom("database", f"the main database: {self.database}"))
        if self.engine.degraded is not None:
            found.append(Symptom("engine", self.engine.degraded))
        if self.oldest_waiting_s is not None and self.oldest_waiting_s > LATE_S:
            found.append(Symptom("queue", "an event has waited over a minute for its decision"))
        return found


async def find_condition(
    settings: Settings, journal: Journal, database: Database, engine: EngineView
) -> Condition:
    """Look at everything now."""
    progress = await _progress(database)
    return Condition(
        journal=_trouble_of_files(settings) or journal.trouble,
        full=why_full(engine.backlog, settings.incident_queue_max),
        database=progress if isinstance(progress, str) else None,
        engine=engine.status(),
        oldest_waiting_s=await _oldest_waiting_s(engine),
        progress=progress if isinstance(progress, Progress) else None,
    )


def _trouble_of_files(settings: Settings) -> str | None:
    """Return what would stop the next event from being stored, if it shows without storing one."""
    if settings.postgres_url is not None:
        return None
    path = settings.journal_path
    if not path.exists():
        return "its file is gone"
    if not os.access(path, os.W_OK):
        return "its file cannot be written"
    if not Disk(path.parent).has_room():
        return f"the disk is full but for the last {KEPT_FREE:.0%}"
    return None


async def _progress(database: Database) -> Progress | str:
    """Return how far the engine has come, or why that cannot be read."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S), database.read() as tx:
            return await checkpoints.progress(tx)
    except STORAGE_TROUBLE as error:
        return str(error)
    except TimeoutError:
        return f"it does not answer within {PROBE_TIMEOUT_S:.0f} s"


async def _oldest_waiting_s(engine: EngineView) -> float | None:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            return await engine.oldest_waiting_s()
    except (JournalUnavailable, TimeoutError):
        # Then the engine cannot be fed either, which shows by itself.
        return None
