"""Give a journal to an engine from its beginning, or from where a database stands, undisturbed."""

import asyncio
import contextlib
import sys
from pathlib import Path

from scripts.commands.chaos.fake_slack import OTHER_CHANNEL
from server.incidents.record import Recorder
from server.notify.live import Live
from server.notify.outlets import Outlets
from server.notify.waiting import WaitingTeller
from server.process.metrics import Metrics
from server.storage.database import Database, Transaction, migrate, open_database
from server.storage.journal.journal import open_journal
from server.storage.main import checkpoints, notification_routes, people
from server.storage.main.notification_routes import RouteTarget, RouteValues, Timing
from server.storage.main.people import Wishes
from server.storage.times import micros_now
from server.supervisor.supervisor import Supervisor
from shared.pipe import Settings

LATER_MICROS = 30 * 24 * 3600 * 1_000_000
"""Long after the last entry: by then, every incident has ended."""

_TIMINGS = (Timing("after_events", 5), Timing("after_users", 3), Timing("daily"), Timing("never"))
"""Of one service each; the others are told at once."""

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
        waiting = WaitingTeller(database, Live(), outlets, "all", lambda: None)
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
                # What waits for events or users is told before all incidents end.
                await _tell_all(waiting, database)
            await supervisor.stop(_TIMEOUT_S)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def prepare(database_path: Path, email: str) -> None:
    """Make the database, and in it the one person, who gets mail, and routes of each kind."""
    await asyncio.to_thread(migrate, database_path)
    async with open_database(database_path) as database:
        await prepare_people(database, email)


async def prepare_people(database: Database, email: str) -> None:
    """Add the one person, who gets mail, and the routes."""
    async with database.write() as tx:
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
        await _add_routes(tx)


async def _add_routes(tx: Transaction) -> None:
    for number, timing in enumerate(_TIMINGS):
        route = RouteValues(service=f"service-{number}", timing=timing)
        await notification_routes.add(tx, route, "chaos")
    others = [
        RouteTarget("slack"),
        RouteTarget("slack", OTHER_CHANNEL),
        RouteTarget("webhook", "nobody.example#0"),
    ]
    route = RouteValues(service="service-7", targets=others)
    await notification_routes.add(tx, route, "chaos")


async def _tell_all(teller: WaitingTeller, database: Database) -> None:
    while True:
        async with database.read() as tx:
            if not await teller.due(tx, micros_now()):
                return
        await teller.tell()


async def _recorded(database: Database, seq: int) -> None:
    async with asyncio.timeout(_TIMEOUT_S):
        while True:
            async with database.read() as tx:
                if (await checkpoints.progress(tx)).recorded_seq >= seq:
                    return
            await asyncio.sleep(0.01)
