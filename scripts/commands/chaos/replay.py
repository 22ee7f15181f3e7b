"""Give a journal to an engine from its beginning, or from where a database stands, undisturbed."""

import asyncio
import contextlib
import sys
from pathlib import Path

from server.incidents.record import Recorder
from server.notify.live import Live
from server.notify.outlets import Outlets
from server.process.metrics import Metrics
from server.storage.database import Database, migrate, open_database
from server.storage.journal.journal import open_journal
from server.storage.main import checkpoints, people
from server.storage.main.people import Wishes
from server.supervisor.supervisor import Supervisor
from shared.pipe import Settings

LATER_MICROS = 30 * 24 * 3600 * 1_000_000
"""Long after the last entry: by then, every incident has ended."""

_TIMEOUT_S = 120.0
_ENGINE = (sys.executable, "-m", "engine")


async def replay(
    journal_path: Path, database_path: Path, end_micros: int, outlets: Outlets
) -> None:
    """Let an engine decide what the database at `database_path` has not yet of the journal.

    `outlets` are those of the disturbed server.

    Two entries follow, at `end_micros` and long after, so that everything that is due by then is
    said and recorded. Both files are written to, so give copies.
    """
    await asyncio.to_thread(migrate, database_path)
    now = end_micros

    def clock() -> int:
        return now

    async with (
        open_database(database_path) as database,
        open_journal(journal_path, wall=clock, monotonic=clock) as journal,
    ):
        async with database.write() as tx:
            await people.make_operator(tx)
        recorder = Recorder(
            database, live=Live(), metrics=Metrics(), min_severity="all", outlets=outlets
        )
        supervisor = Supervisor(_ENGINE, journal, database, recorder.record)
        running = asyncio.create_task(supervisor.run(), name="supervise the engine")
        try:
            for moment in (end_micros, end_micros + LATER_MICROS):
                now = moment
                appended = await journal.append([Settings()], None)
                recorded = asyncio.create_task(_recorded(database, appended.seqs[0]))
                await asyncio.wait({recorded, running}, return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    recorded.cancel()
                    running.result()
                await recorded
            await supervisor.stop(_TIMEOUT_S)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def give_address(database_path: Path, email: str) -> None:
    """Make the database, and in it the one person, who gets mail."""
    await asyncio.to_thread(migrate, database_path)
    async with open_database(database_path) as database, database.write() as tx:
        await people.make_operator(tx)
        (operator,) = await people.everyone(tx)
        await people.set_wishes(
            tx,
            operator.id,
            Wishes(
                email=email,
                email_incidents=True,
                min_severity="all",
                services=None,
                environments=None,
            ),
        )


async def _recorded(database: Database, seq: int) -> None:
    async with asyncio.timeout(_TIMEOUT_S):
        while True:
            async with database.read() as tx:
                if (await checkpoints.progress(tx)).recorded_seq >= seq:
                    return
            await asyncio.sleep(0.01)
