"""The main database refuses rows that belong to nothing, and does work at once in a thread."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.exc import IntegrityError

from server.storage.database import Database, Transaction
from server.storage.main import accounts, checkpoints, incidents
from tests.waiting import until


async def test_a_row_of_an_incident_that_does_not_exist_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        async with database.write() as tx:
            await incidents.add_change(tx, "inc-0123456789abcdef", 1, "opened", 0, "")


async def test_work_that_is_done_at_once_is_kept_and_seen_by_others(database: Database) -> None:
    async def work(tx: Transaction) -> str:
        await checkpoints.set_recorded(tx, 7)
        return threading.current_thread().name

    thread = await database.write_at_once(work)
    assert thread != threading.current_thread().name
    assert (await database.read_at_once(checkpoints.progress)).recorded_seq == 7
    async with database.read() as tx:
        assert (await checkpoints.progress(tx)).recorded_seq == 7


async def _fail(_: Transaction) -> None:
    raise ValueError("no")


async def _wait(_: Transaction) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("then", "error"), [(_fail, "no"), (_wait, "awaits nothing but its transaction")]
)
async def test_of_work_that_fails_nothing_is_kept(
    database: Database, then: Callable[[Transaction], Awaitable[None]], error: str
) -> None:
    async def work(tx: Transaction) -> None:
        await checkpoints.set_recorded(tx, 7)
        await then(tx)

    with pytest.raises((ValueError, RuntimeError), match=error):
        await database.write_at_once(work)
    assert (await database.read_at_once(checkpoints.progress)).recorded_seq == 0


async def test_work_whose_caller_is_cancelled_is_done_nevertheless(database: Database) -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    async def work(tx: Transaction) -> None:
        begun.set()
        go_on.wait()
        await checkpoints.set_recorded(tx, 7)
        done.set()

    task = asyncio.create_task(database.write_at_once(work))
    await until(begun.is_set)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(done.is_set)
    async with database.write() as tx:
        assert (await checkpoints.progress(tx)).recorded_seq == 7


async def test_what_is_read_in_one_go_is_one_view_whatever_others_write(database: Database) -> None:
    async with database.read() as tx:
        assert (await checkpoints.progress(tx)).recorded_seq == 0
        async with database.write() as other:
            await checkpoints.set_recorded(other, 7)
        assert (await checkpoints.progress(tx)).recorded_seq == 0


async def test_what_is_read_at_once_is_one_view_whatever_others_write(database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    async def read_twice(tx: Transaction) -> tuple[int, int]:
        first = await checkpoints.progress(tx)
        begun.set()
        go_on.wait()
        return first.recorded_seq, (await checkpoints.progress(tx)).recorded_seq

    reading = asyncio.create_task(database.read_at_once(read_twice))
    await until(begun.is_set)
    async with database.write() as tx:
        await checkpoints.set_recorded(tx, 7)
    go_on.set()
    assert await reading == (0, 0)


async def test_a_nul_in_a_text_is_no_error_in_either_kind(tx: Transaction) -> None:
    """SQLite can store one. PostgreSQL cannot, and has another character for it."""
    assert await accounts.add(tx, name="A\0da", email="a\0@acme.example", role="admin", hashed="")
    found = await accounts.by_email(tx, "a\0@acme.example")
    assert found is not None
    assert found.name in ("A\0da", "A\N{REPLACEMENT CHARACTER}da")
