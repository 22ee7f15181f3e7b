"""What only the leader does runs on one server at a time, and ends with its lease."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
import pytest

from server.sharing.leadership import LEASE_S, SPARE_S, Alone, Elected
from server.storage.shared.lease import LeaseTable
from tests.clock import Clock
from tests.waiting import until


class Doing:
    """Work that goes on until it is cancelled, and tells how often it began and ended."""

    def __init__(self) -> None:
        self.began = 0
        self.ended = 0

    async def __call__(self) -> None:
        self.began += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1

    @property
    def goes_on(self) -> bool:
        return self.began > self.ended


@pytest.fixture
async def elected(postgres_url: str, clock: Clock) -> AsyncIterator[Elected]:
    standing = Elected(LeaseTable(postgres_url, "1", "first:3000"), clock.seconds)
    yield standing
    await standing.close()


@contextlib.asynccontextmanager
async def running(server: Elected) -> AsyncIterator[None]:
    renewing = asyncio.create_task(server.run(lambda: b"well"))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait({renewing})


async def test_the_only_server_does_what_a_leader_does() -> None:
    doing, otherwise = Doing(), Doing()
    task = asyncio.create_task(Alone().while_leading(doing, otherwise))
    await until(lambda: doing.goes_on)
    assert not otherwise.began
    task.cancel()
    await asyncio.wait({task})


async def test_work_begins_with_the_lead_and_ends_with_it(
    elected: Elected, postgres_url: str, clock: Clock
) -> None:
    doing, otherwise = Doing(), Doing()
    task = asyncio.create_task(elected.while_leading(doing, otherwise))
    await until(lambda: otherwise.goes_on)
    async with running(elected):
        await until(lambda: doing.goes_on)
        assert not otherwise.goes_on
        assert [(each.name, each.leads, each.said) for each in elected.servers] == [
            ("first:3000", True, b"well")
        ]
        with psycopg.connect(postgres_url) as connection:
            connection.execute("UPDATE leader SET epoch = 9, server = '2', until = 'infinity'")
        await until(lambda: otherwise.goes_on)
        assert not doing.goes_on
        assert not elected.leads
    task.cancel()
    await asyncio.wait({task})
    assert not otherwise.goes_on


async def test_a_leader_that_hears_nothing_lets_go_before_its_lease_is_over(
    elected: Elected, postgres_url: str, clock: Clock
) -> None:
    doing = Doing()
    task = asyncio.create_task(elected.while_leading(doing))
    async with running(elected):
        await until(lambda: doing.goes_on)
        with psycopg.connect(postgres_url) as connection:
            # The next renewal waits for this transaction.
            connection.execute("SELECT * FROM leader FOR UPDATE")
            clock.pass_s(LEASE_S - SPARE_S)
            await until(lambda: not doing.goes_on)
        # Its own lease runs on in PostgreSQL: nobody else leads meanwhile.
        assert not elected.leads
    task.cancel()
    await asyncio.wait({task})


async def test_work_that_ends_by_a_defect_is_told(elected: Elected) -> None:
    async def defect() -> None:
        raise ValueError("broken")

    async with running(elected):
        with pytest.raises(ValueError, match="broken"):
            await elected.while_leading(defect)


async def test_who_closes_gives_the_lead_to_the_next_at_once(
    postgres_url: str, clock: Clock
) -> None:
    first, second = (Elected(LeaseTable(postgres_url, name, name), clock.seconds) for name in "ab")
    async with running(first):
        await until(lambda: first.leads)
        async with running(second):
            await until(lambda: len(second.servers) == 2)
            assert not second.leads
    await first.close()
    async with running(second):
        await until(lambda: second.leads)
    assert [each.name for each in second.servers] == ["b"]
    await second.close()
