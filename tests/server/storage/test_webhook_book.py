"""Noting webhooks never waits, a flood becomes few rows, and none displaces another."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from server.notify.masking import masked_line
from server.storage.database import Database, open_database
from server.storage.main import webhooks
from server.storage.main.webhook_book import KEPT_AT_ONCE, WebhookBook
from server.storage.main.webhooks import END, KEPT_OF_EACH, SourceNews, UnenteredWebhook
from tests.builders import at
from tests.server.storage.conftest import only_sqlite


def refused(seconds: float = 0, **changes: Any) -> UnenteredWebhook:
    fields = {"source": "sentry", "outcome": "refused", "reason": "signature missing"}
    return UnenteredWebhook(at=at(seconds), **(fields | changes))


def news(seconds: float = 0, *, understood: bool = True, **changes: Any) -> SourceNews:
    fields: dict[str, Any] = {
        "source": "sentry",
        "outcome": "accepted",
        "signature": "verified",
        "about": "event alert",
    }
    accepted_at = at(seconds) if understood else None
    return SourceNews(at=at(seconds), accepted_at=accepted_at, **(fields | changes))


async def rows(database: Database, limit: int = 100_000) -> list[UnenteredWebhook]:
    async with database.read() as tx:
        return await webhooks.newest(tx, before_id=END, limit=limit)


async def test_the_page_after_a_row_begins_with_the_row_before_it(database: Database) -> None:
    book = WebhookBook(masked_line)
    for second in range(3):
        book.note(refused(second))
    await book.write(database)
    newest, middle, oldest = await rows(database)
    async with database.read() as tx:
        assert await webhooks.newest(tx, before_id=newest.id, limit=9) == [middle, oldest]
        assert await webhooks.newest(tx, before_id=oldest.id, limit=9) == []


async def test_what_is_noted_is_found_as_it_was(database: Database) -> None:
    book = WebhookBook(masked_line)
    noted = refused(
        1, outcome="duplicate", size_bytes=7, delivery_id="d", event_id="e", first_seq=3
    )
    book.note(noted)
    await book.write(database)
    (found,) = await rows(database)
    assert found.id > 0
    found.id = 0
    assert found == noted


async def test_a_flood_becomes_a_few_rows_and_a_count(database: Database) -> None:
    book = WebhookBook(masked_line)
    for second in range(10_000):
        book.note(refused(second / 1000))
    book.note(refused(20, reason="signature wrong"))
    await book.write(database)
    wrong, *missing = await rows(database)
    assert (wrong.reason, wrong.more_like_it) == ("signature wrong", 0)
    assert len(missing) == KEPT_AT_ONCE
    assert [each.more_like_it for each in missing] == [10_000 - KEPT_AT_ONCE] + [0] * 9


async def test_secrets_that_a_reason_repeats_are_masked(database: Database) -> None:
    book = WebhookBook(masked_line)
    book.note(refused(outcome="invalid", reason="password=hunter2 is no field" + " odd" * 1000))
    book.came(news(about="Push to token=hunter2"))
    await book.write(database)
    (found,) = await rows(database)
    assert found.reason.startswith("password=*** is no field")
    assert len(found.reason) == 500
    async with database.read() as tx:
        assert (await webhooks.sources(tx))["sentry"].about == "Push to token=***"


async def test_bodies_that_are_wrong_in_ever_new_ways_are_one_kind(database: Database) -> None:
    book = WebhookBook(masked_line)
    for number in range(1000):
        book.note(refused(number, outcome="invalid", reason=f"field {number} is odd"))
    await book.write(database)
    assert len(await rows(database)) == KEPT_AT_ONCE


async def test_a_flood_of_one_kind_drives_out_no_other(database: Database) -> None:
    book = WebhookBook(masked_line)
    book.note(refused(outcome="duplicate", reason="event alert"))
    await book.write(database)
    async with database.write() as tx:
        for start in range(0, KEPT_OF_EACH * 2, 100):
            await webhooks.add(tx, [refused(start + each) for each in range(100)])
    found = await rows(database)
    assert len(found) == KEPT_OF_EACH + 1
    assert found[0].at == at(KEPT_OF_EACH * 2 - 1)
    assert found[-1].outcome == "duplicate"


async def test_what_cannot_be_written_waits_and_none_of_it_goes_uncounted(
    database: Database, tmp_path: Path
) -> None:
    book = WebhookBook(masked_line)
    async with open_database(tmp_path / "without-tables.db") as broken:
        for _ in range(3):
            for second in range(20):
                book.note(refused(second))
            book.came(news(20))
            with pytest.raises(OperationalError):
                await book.write(broken)
    await book.write(database)
    found = await rows(database)
    assert len(found) == KEPT_AT_ONCE
    assert sum(1 + each.more_like_it for each in found) == 60
    async with database.read() as tx:
        assert (await webhooks.sources(tx))["sentry"] == news(20)


async def test_that_the_list_cannot_be_written_is_said_once_until_it_can(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = WebhookBook(masked_line)
    async with open_database(tmp_path / "without-tables.db") as broken:
        for where, said in ((broken, 1), (broken, 1), (database, 1), (broken, 2)):
            book.note(refused())
            await book.close(where)
            assert caplog.text.count("the list of webhooks cannot be written: ") == said
    assert "no such table: unentered_webhooks" in caplog.text


async def test_a_refusal_does_not_hide_when_a_webhook_was_last_understood(
    database: Database,
) -> None:
    book = WebhookBook(masked_line)
    book.came(news(1))
    book.came(news(2, outcome="refused", signature="wrong", understood=False))
    await book.write(database)
    book.came(news(3, outcome="refused", signature="missing", understood=False))
    book.came(news(4, source="github"))
    await book.write(database)
    async with database.read() as tx:
        found = await webhooks.sources(tx)
    assert (found["sentry"].at, found["sentry"].accepted_at) == (at(3), at(1))
    assert (found["sentry"].outcome, found["sentry"].signature) == ("refused", "missing")
    assert found["github"].accepted_at == at(4)


async def test_the_rest_is_written_at_the_end(database: Database) -> None:
    book = WebhookBook(masked_line)
    book.note(refused())
    await book.write(database)
    writing = asyncio.create_task(book.run(database))
    writing.cancel()
    await asyncio.wait((writing,))
    book.note(refused(1))
    await book.close(database)
    assert [each.at for each in await rows(database)] == [at(1), at(0)]


@only_sqlite
async def test_a_stop_in_the_moment_of_the_commit_writes_nothing_twice(
    database: Database, tmp_path: Path
) -> None:
    assert await rows(database) == []
    count = "SELECT count(*) FROM unentered_webhooks"
    with contextlib.closing(sqlite3.connect(tmp_path / "pushlog.db")) as other:
        for number in range(1, 21):
            book = WebhookBook(masked_line)
            book.note(refused(number))
            writing = asyncio.create_task(book.run(database))
            while other.execute(count).fetchall() < [(number,)]:  # noqa: ASYNC110 - it is about the moment
                await asyncio.sleep(0)
            # Committed, and most of the time not known to the task yet.
            writing.cancel()
            await asyncio.wait((writing,))
            await book.close(database)
    assert [each.at for each in await rows(database)] == [at(each) for each in range(20, 0, -1)]
