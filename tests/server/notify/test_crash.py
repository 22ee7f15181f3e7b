"""PushLog's own failures are kept on the disk first, then mailed once to all who have mails on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from server.notify.crash import CrashReporter, cause_of, news_of, plan_crash, unclean_end
from server.notify.news import CrashNews
from server.storage.database import Database
from server.storage.files.crash_files import MOST_CRASHES, CrashFiles, Running, boot_id
from server.storage.main import outbox
from server.storage.main.outbox import Delivery, DeliveryFilter
from server.storage.main.people import Person
from tests.builders import at
from tests.clock import Clock
from tests.signed_in import wish


@pytest.fixture
def files(tmp_path: Path) -> CrashFiles:
    return CrashFiles(tmp_path / "pushlog.db")


@pytest.fixture
async def with_mail(database: Database) -> Database:
    """The operator wants nothing but the worst of another service, and has mails on."""
    async with database.write() as tx:
        await wish(tx, min_severity="critical", services=["other"], environments=[])
    return database


def failed(message: str = "the worker ended") -> RuntimeError:
    """An error that was raised, always at the same place."""
    try:
        raise RuntimeError(message)
    except RuntimeError as error:
        return error


@contextlib.asynccontextmanager
async def telling(
    reporter: CrashReporter, database: Database, *, by_mail: bool = True
) -> AsyncIterator[asyncio.Queue[None]]:
    """A process that tells; the queue has one item for each crash that was dealt with."""
    told: asyncio.Queue[None] = asyncio.Queue()
    run = reporter.run(database, lambda: told.put_nowait(None), by_mail=by_mail)
    task = asyncio.create_task(run)
    yield told
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def deliveries(database: Database) -> list[Delivery]:
    async with database.read() as tx:
        return await outbox.newest(tx, DeliveryFilter(), 100)


async def test_a_crash_is_mailed_whatever_else_the_person_wants_to_hear_of(
    files: CrashFiles, with_mail: Database
) -> None:
    reporter = CrashReporter(files, Clock())
    async with telling(reporter, with_mail) as told:
        reporter.report(failed())
        await told.get()
    (row,) = await deliveries(with_mail)
    assert (row.channel, row.receiver) == ("email", "ada@acme.example")
    news = msgspec.json.decode(row.news, type=CrashNews)
    assert (news.error_type, news.message) == ("RuntimeError", "the worker ended")
    assert "raise RuntimeError(message)" in news.traceback
    assert files.waiting() == []


async def test_who_dies_of_it_has_it_told_by_the_next_start(
    files: CrashFiles, with_mail: Database
) -> None:
    CrashReporter(files, Clock()).report(failed())
    assert len(files.waiting()) == 1
    async with telling(CrashReporter(files, Clock()), with_mail) as told:
        await told.get()
    assert len(await deliveries(with_mail)) == 1
    assert files.waiting() == []


async def test_one_cause_is_told_once_in_ten_minutes_however_often_it_happens(
    files: CrashFiles, with_mail: Database
) -> None:
    clock = Clock()
    reporter = CrashReporter(files, clock)
    async with telling(reporter, with_mail) as told:
        for second in range(600):
            clock.now = at(second)
            reporter.report(failed(f"attempt {second}"))
        await told.get()
        assert len(await deliveries(with_mail)) == 1
        clock.now = at(601)
        reporter.report(failed())
        await told.get()
    assert len(await deliveries(with_mail)) == 2


async def test_a_process_that_dies_at_each_start_has_it_told_once_in_ten_minutes(
    files: CrashFiles, with_mail: Database
) -> None:
    clock = Clock()
    for start in range(5):
        clock.now = at(10 * start)
        reporter = CrashReporter(files, clock)
        reporter.report(failed())
        async with telling(reporter, with_mail) as told:
            await told.get()
    assert len(await deliveries(with_mail)) == 1
    clock.now = at(700)
    reporter = CrashReporter(files, clock)
    reporter.report(failed())
    async with telling(reporter, with_mail) as told:
        await told.get()
    assert len(await deliveries(with_mail)) == 2


async def test_two_causes_are_told_both(files: CrashFiles, with_mail: Database) -> None:
    reporter = CrashReporter(files, Clock())
    async with telling(reporter, with_mail) as told:
        reporter.report(failed())
        reporter.report(ValueError("another"))
        await told.get()
        await told.get()
    assert len(await deliveries(with_mail)) == 2


async def test_without_mail_nothing_waits_for_ever(files: CrashFiles, with_mail: Database) -> None:
    reporter = CrashReporter(files, Clock())
    async with telling(reporter, with_mail, by_mail=False) as told:
        reporter.report(failed())
        await told.get()
    assert await deliveries(with_mail) == []
    assert files.waiting() == []


async def test_the_exception_of_a_task_that_nobody_awaits_is_reported(files: CrashFiles) -> None:
    reporter = CrashReporter(files, Clock())
    loop = asyncio.get_running_loop()
    reporter.on_loop_error(loop, {"message": "Task exception was never retrieved",
                                  "exception": failed()})  # fmt: skip
    reporter.on_loop_error(loop, {"message": "Fatal write error on socket transport"})
    kept = [msgspec.json.decode(content, type=CrashNews) for _, content in files.waiting()]
    assert {news.message for news in kept} == {
        "the worker ended",
        "Fatal write error on socket transport",
    }


def test_a_program_that_fails_all_the_time_does_not_fill_the_disk(files: CrashFiles) -> None:
    kept = [files.add(f"{number:09}", b"{}") for number in range(MOST_CRASHES + 5)]
    assert kept.count(True) == MOST_CRASHES
    assert len(files.waiting()) == MOST_CRASHES


def test_a_process_that_was_killed_is_told_by_the_next_start(
    files: CrashFiles, caplog: pytest.LogCaptureFixture
) -> None:
    CrashReporter(files, Clock()).begin()
    assert files.waiting() == []
    CrashReporter(files, Clock()).begin()
    ((_, content),) = files.waiting()
    news = msgspec.json.decode(content, type=CrashNews)
    assert news.error_type == "UncleanShutdown"
    assert "did not shut down cleanly" in news.message
    assert f"[server] {news.message}" in caplog.messages


def test_a_process_that_ended_as_it_should_is_not_told(files: CrashFiles) -> None:
    reporter = CrashReporter(files, Clock())
    reporter.begin()
    reporter.end()
    CrashReporter(files, Clock()).begin()
    assert files.waiting() == []


def test_a_kill_and_a_machine_that_was_restarted_are_told_apart() -> None:
    before = Running(7, "boot-1", "2025-03-04T09:00:00+00:00")
    assert "process 7" in unclean_end(before, "boot-1", at(0)).message
    assert "kill -9" in unclean_end(before, "boot-1", at(0)).message
    assert "machine was restarted" in unclean_end(before, "boot-2", at(0)).message
    assert boot_id() == boot_id()


def test_a_marker_that_was_cut_off_is_an_unclean_end_too(files: CrashFiles, tmp_path: Path) -> None:
    (tmp_path / "pushlog.running").write_bytes(b'{"pid"')
    CrashReporter(files, Clock()).begin()
    assert len(files.waiting()) == 1


def test_of_a_long_error_the_beginning_is_told_and_the_end_of_its_traceback() -> None:
    news = news_of(ValueError("m" * 30_000 + "!"), at(0))
    assert news.message == "m" * 4_000
    assert news.traceback == "m" * 19_998 + "!\n"


def test_the_cause_is_the_error_and_its_place_and_not_its_words() -> None:
    first, other_words = news_of(failed("a"), at(0)), news_of(failed("b"), at(5))
    assert cause_of(first) == cause_of(other_words)
    assert cause_of(first) != cause_of(news_of(RuntimeError("a"), at(0)))


def test_only_people_with_mails_on_are_mailed() -> None:
    everyone = [
        Person(1, "ada", "ada@acme.example", True, "all"),
        Person(2, "bob", "bob@acme.example", False, "all"),
        Person(3, "eve", None, True, "all"),
    ]
    planned = plan_crash(news_of(failed(), at(0)), everyone)
    assert [each.receiver for each in planned] == ["ada@acme.example"]
    later = plan_crash(news_of(failed(), at(0) + timedelta(seconds=1)), everyone)
    assert planned[0].key != later[0].key
