"""What sources send is kept by the minute, and whoever goes silent is a trouble."""

import pytest
from sqlalchemy.exc import OperationalError

from server.storage.database import Database
from server.storage.main import active_hours
from server.storage.main.active_hours import KEPT_HOURS, PUSHLOG
from server.storage.main.webhook_book import WebhookBook
from server.storage.main.webhooks import SourceNews
from server.storage.times import to_micros
from tests.builders import at
from tests.clock import Clock
from tests.server.troubles.conftest import House
from tests.server.troubles.test_silence import DAY, LEARNED


async def known(database: Database, since: int = 0) -> dict[str, int]:
    async with database.read() as tx:
        return await active_hours.since(tx, since)


async def test_minutes_are_kept_by_the_hour_and_added_to(database: Database) -> None:
    for minutes in ([0, 59], [59, 60, 61], [3 * 60 + 59]):
        async with database.write() as tx:
            await active_hours.mark(tx, {"sentry": minutes})
    async with database.write() as tx:
        await active_hours.mark(tx, {"github": [61], PUSHLOG: [60]})
    expected = sum(1 << minute for minute in (0, 59, 60, 61, 239))
    assert await known(database) == {"sentry": expected, "github": 1 << 61, PUSHLOG: 1 << 60}
    later = await known(database, 60)
    assert later == {"sentry": expected >> 60, "github": 1 << 1, PUSHLOG: 1}


async def test_what_is_older_than_five_weeks_is_forgotten(database: Database) -> None:
    for hour in (0, 1, KEPT_HOURS, KEPT_HOURS + 1):
        async with database.write() as tx:
            await active_hours.mark(tx, {"sentry": [60 * hour]})
    active = await known(database)
    assert active == {"sentry": sum(1 << 60 * hour for hour in (1, KEPT_HOURS, KEPT_HOURS + 1))}


async def test_only_what_was_understood_counts_and_survives_a_database_in_trouble(
    database: Database,
) -> None:
    book = WebhookBook(lambda text, limit: text[:limit])

    def came(seconds: float, *, understood: bool) -> None:
        moment = at(seconds)
        book.came(
            SourceNews(
                source="sentry",
                at=moment,
                outcome="accepted" if understood else "refused",
                signature=None,
                about="",
                accepted_at=moment if understood else None,
            )
        )

    came(0, understood=True)
    came(60, understood=False)
    async with database.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE active_hours RENAME TO elsewhere")
    for _ in range(2):
        came(120, understood=True)
        with pytest.raises(OperationalError):
            await book.write(database)
    async with database.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE elsewhere RENAME TO active_hours")
    await book.write(database)
    first = to_micros(at(0)) // 60_000_000
    start = first // 60 * 60
    assert await known(database, start) == {"sentry": 0b101 << (first - start)}


async def test_a_source_that_goes_silent_is_a_trouble_until_it_sends_again(
    house: House, clock: Clock
) -> None:
    now = clock.micros() // 60_000_000
    async with house.database.write() as tx:
        weeks = range(now - LEARNED, now)
        await active_hours.mark(tx, {"sentry": weeks, PUSHLOG: weeks})
    assert await house.look() == []
    for _ in range(5):
        assert await house.look(60) == []
    # Each look notes that PushLog runs.
    opened = [await house.look(60) for _ in range(20)]
    assert opened[0] == []
    assert opened[-1] == ["silence"]
    (trouble,) = house.watch.open
    assert trouble.text.startswith("Sentry has sent nothing since 4 Mar 2025, 09:00:00 UTC")
    async with house.database.write() as tx:
        await active_hours.mark(tx, {"sentry": [clock.micros() // 60_000_000]})
    for _ in range(6):
        await house.look(60)
    assert house.watch.open == []


async def test_a_pushlog_that_was_away_calls_nobody_silent(house: House, clock: Clock) -> None:
    now = clock.micros() // 60_000_000
    async with house.database.write() as tx:
        weeks = range(now - LEARNED, now)
        await active_hours.mark(tx, {"sentry": weeks, PUSHLOG: weeks})
    clock.pass_s(60 * DAY)
    for _ in range(10):
        assert await house.look(60) == []
