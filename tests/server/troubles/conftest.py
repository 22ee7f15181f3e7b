"""A server's storage with a watch over it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.notify.live import Live
from server.notify.outlets import Outlets
from server.settings.settings import read_settings
from server.sharing.leadership import Alone
from server.storage.backup.nightly import Nightly
from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import dead_letters, notifications, outbox, troubles
from server.storage.main.outbox import Delivery, DeliveryFilter
from server.storage.main.troubles import Trouble
from server.supervisor.supervisor import Supervisor
from server.supervisor.view import EngineView
from server.troubles.signs import Signs
from server.troubles.watch import Watch
from tests.clock import Clock
from tests.server.supervisor.recordings import Recordings
from tests.signed_in import OPERATOR

OUTLETS = Outlets(email=True, slack="bot", slack_receiver="#alerts")


class House:
    """A server's storage with a watch over it, whose engine is not started."""

    def __init__(self, folder: Path, journal: Journal, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.live = Live()
        self.posted = 0
        self.settings = read_settings(
            {
                "DATABASE_URL": f"sqlite:///{folder}/pushlog.db",
                "SMTP_HOST": "mail.acme.example",
                "SMTP_FROM": "pushlog@acme.example",
            }
        )
        self.supervisor = Supervisor(["true"], journal, database, Recordings(database).record)
        self.nightly = Nightly(self.settings.database_path, folder / "backups", 2)
        self.journal = journal
        self.watch = self.new_watch()

    def new_watch(self) -> Watch:
        """The watch of another start."""
        wall, monotonic = self.clock.micros, self.clock.seconds
        engine = EngineView(self.supervisor, self.journal, Alone())
        signs = Signs(
            self.settings, self.journal, self.database, engine, self.nightly,
            monotonic=monotonic, wall=wall,
        )  # fmt: skip
        return Watch(
            signs, self.database, self.live, OUTLETS, self._note, monotonic=monotonic, wall=wall
        )

    def _note(self) -> None:
        self.posted += 1

    async def look(self, after_s: float = 0) -> list[str]:
        """The kinds that are open after another look."""
        self.clock.pass_s(after_s)
        await self.watch.look()
        return [each.kind for each in self.watch.open]

    async def bury(self, seq: int = 1) -> None:
        async with self.database.write() as tx:
            await dead_letters.bury(tx, JournalEntry(seq, 0, b"{}"), "it died", 0)

    async def settle(self, seq: int = 1) -> None:
        async with self.database.write() as tx:
            assert await dead_letters.mark_discarded(tx, seq)

    async def told(self) -> list[Delivery]:
        async with self.database.read() as tx:
            return (await outbox.newest(tx, DeliveryFilter(), 100))[::-1]

    async def bells(self) -> list[tuple[str, str]]:
        async with self.database.read() as tx:
            found = await notifications.newest(tx, OPERATOR, 100)
        return [(each.change, each.title) for each in found[::-1]]

    async def all(self) -> list[Trouble]:
        async with self.database.read() as tx:
            return await troubles.newest(tx, 100)


@pytest.fixture
async def house(tmp_path: Path, database: Database, clock: Clock) -> AsyncIterator[House]:
    async with open_journal(tmp_path / "pushlog-journal.db") as journal:
        yield House(tmp_path, journal, database, clock)
