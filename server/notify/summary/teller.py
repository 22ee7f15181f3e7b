"""Put the summaries that are due into the outbox.

Guarantee: a person gets a summary once, whatever dies. Its key names the person and the period, so
that a second row cannot exist. What it says is stored with it.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from server.notify.news import SummaryNews
from server.notify.planning.deliveries import mail, mail_key
from server.notify.recipients import chosen_environments
from server.notify.summary.due import Due, due_at
from server.notify.turns import take_turns
from server.storage.database import Database, Transaction
from server.storage.main import outbox, people
from server.storage.main.people import Person
from server.storage.main.summaries import Scope, summarise
from server.storage.times import to_micros

TURN_S = 30.0


class Owed(msgspec.Struct, frozen=True):
    """A summary that a person waits for."""

    person: Person
    due: Due

    @property
    def key(self) -> str:
        """Return the key of its mail."""
        return mail_key(self.due.name, self.person.id)


class SummaryTeller:
    """Looks now and then which summaries are due, and makes each in a transaction of its own.

    It calls `posted` when there is something new in the outbox.
    """

    def __init__(
        self,
        database: Database,
        posted: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._posted = posted
        self._now = now

    async def run(self) -> None:
        """Take turns until cancelled."""
        await take_turns("summaries", self.turn, TURN_S)

    async def turn(self) -> None:
        """Make what is due. Raises what the database raises; what is left comes the next time."""
        now = self._now()
        async with self._database.read() as tx:
            owed = await _owed(tx, now)
        for each in owed:
            await self._make(each, now)

    async def _make(self, owed: Owed, now: datetime) -> None:
        # Other writers do not wait while it is summed up.
        async with self._database.read() as tx:
            news = await _news(tx, owed, now)
        async with self._database.write() as tx:
            person = await people.get(tx, owed.person.id)
            # They may have ended their summaries meanwhile.
            if person is None or person.email is None or person.summary != owed.due.interval:
                return
            delivery = mail(owed.due.name, person.id, person.email, news)
            added = await outbox.add(tx, [delivery], to_micros(now))
        if added:
            self._posted()


async def _owed(tx: Transaction, now: datetime) -> list[Owed]:
    owed = [
        Owed(person, due)
        for person in await people.everyone(tx)
        if person.email is not None
        and person.summary != "off"
        and (due := due_at(now, person.summary)) is not None
    ]
    made = await outbox.known(tx, [each.key for each in owed])
    return [each for each in owed if each.key not in made]


async def _news(tx: Transaction, owed: Owed, now: datetime) -> SummaryNews:
    person, due = owed.person, owed.due
    scope = Scope(
        since=to_micros(due.since),
        until=to_micros(now),
        services=person.services,
        environments=chosen_environments(person),
    )
    return SummaryNews(
        interval=due.interval,
        since=due.since,
        until=now,
        services=person.services,
        environments=person.environments,
        summary=await summarise(tx, scope),
    )
