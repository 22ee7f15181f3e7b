"""What servers share in PostgreSQL: one leads, and they agree on secrets and on tries."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from scripts.commands.chaos.postgres_process import Postgres
from server.accounts.throttle import SharedCounts, Throttle
from server.storage.database import Database, Transaction, migrate, open_database
from server.storage.errors import REFUSED_BY_STORAGE, STORAGE_TROUBLE, why_unusable
from server.storage.journal.entry import JournalUnavailable
from server.storage.main import checkpoints
from server.storage.main.tables import metadata
from server.storage.postgres_driver import APPLICATION
from server.storage.schema import REVISIONS, NewerSchema
from server.storage.shared import installation_keys
from server.storage.shared.lease import LeaseTable
from tests.waiting import until

LIFE = timedelta(hours=1)
OVER = timedelta(seconds=-1)

FIRST_SHARED = "0039"
"""The schema of the first PushLog that could use PostgreSQL."""

TAKE_BACK = {"0041": "DROP TABLE entry_ids", "0040": "DROP TABLE engine_deaths"}
"""What undoes each migration after it, the newest first."""

SCHEMA = """
SELECT table_name, column_name, data_type, collation_name, is_nullable
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT tablename, indexname, indexdef, NULL, NULL FROM pg_indexes WHERE schemaname = 'public'
ORDER BY 1, 2
"""


@pytest.fixture
async def main(postgres_url: str) -> AsyncIterator[Database]:
    async with open_database(postgres_url) as opened:
        yield opened


@pytest.fixture
def pair(postgres_url: str) -> Iterator[tuple[LeaseTable, LeaseTable]]:
    with (
        contextlib.closing(LeaseTable(postgres_url, "1", "first:3000")) as first,
        contextlib.closing(LeaseTable(postgres_url, "2", "second:3000")) as second,
    ):
        yield first, second


def test_one_leads_until_its_lease_is_over(pair: tuple[LeaseTable, LeaseTable]) -> None:
    first, second = pair
    assert first.lead(0, LIFE, b"a") == 1
    assert second.lead(0, LIFE, b"b") == 0
    assert first.lead(1, OVER, b"c") == 1
    assert second.lead(0, LIFE, b"d") == 2
    assert first.lead(1, LIFE, b"e") == 0
    assert [(each.name, each.leads, each.said) for each in first.servers()] == [
        ("first:3000", False, b"e"),
        ("second:3000", True, b"d"),
    ]


def test_a_lease_that_is_given_up_can_be_taken_at_once(pair: tuple[LeaseTable, LeaseTable]) -> None:
    first, second = pair
    assert first.lead(0, LIFE, b"") == 1
    first.leave(1)
    assert second.lead(0, LIFE, b"") == 2
    assert [each.name for each in second.servers()] == ["second:3000"]


def test_a_server_that_lost_its_epoch_is_not_the_leader_it_was(
    pair: tuple[LeaseTable, LeaseTable],
) -> None:
    first, _ = pair
    assert first.lead(0, LIFE, b"") == 1
    # As after a start in the same process: the lease is its own, but not this epoch.
    assert first.lead(7, LIFE, b"") == 0


def test_a_server_that_says_nothing_is_forgotten(
    pair: tuple[LeaseTable, LeaseTable], postgres_url: str
) -> None:
    first, second = pair
    for each in pair:
        each.lead(0, LIFE, b"")
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE servers SET seen = seen - interval '2 minutes' WHERE server='2'")
    assert [each.name for each in first.servers()] == ["first:3000"]
    second.lead(0, LIFE, b"")
    assert len(first.servers()) == 2


def test_after_a_broken_connection_the_next_try_uses_a_new_one(
    pair: tuple[LeaseTable, LeaseTable], postgres_url: str
) -> None:
    first, _ = pair
    assert first.lead(0, LIFE, b"") == 1
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(JournalUnavailable, match="PostgreSQL was stopped"):
        first.lead(1, LIFE, b"")
    assert first.lead(1, LIFE, b"") == 1


async def record(tx: Transaction) -> None:
    await checkpoints.set_recorded(tx, 1)


async def test_who_does_not_lead_any_more_writes_nothing(
    main: Database, pair: tuple[LeaseTable, LeaseTable]
) -> None:
    first, second = pair
    epoch = first.lead(0, OVER, b"")
    leaders = main.leaders(lambda: epoch)
    await leaders.write_at_once(record)
    second.lead(0, LIFE, b"")
    with pytest.raises(OperationalError, match="another server leads") as raised:
        await leaders.write_at_once(record)
    # It is tried again until it is cancelled, and no defect of the engine.
    assert isinstance(raised.value, STORAGE_TROUBLE)
    assert not isinstance(raised.value, REFUSED_BY_STORAGE)
    assert why_unusable(raised.value) is not None
    with pytest.raises(OperationalError, match="another server leads"):
        async with leaders.write():
            pass


async def test_nobody_leads_before_the_last_write_of_the_leader_is_done(
    main: Database, pair: tuple[LeaseTable, LeaseTable]
) -> None:
    first, second = pair
    epoch = first.lead(0, OVER, b"")
    async with main.leaders(lambda: epoch).write() as tx:
        taking = asyncio.create_task(asyncio.to_thread(second.lead, 0, LIFE, b""))
        # Renewing does not wait.
        await asyncio.to_thread(first.lead, epoch, OVER, b"")
        assert not taking.done()
        await checkpoints.set_recorded(tx, 5)
    assert await taking == 2
    assert (await main.read_at_once(checkpoints.progress)).recorded_seq == 5


async def test_a_transaction_of_a_server_that_is_gone_in_the_middle_of_a_batch_is_ended(
    pair: tuple[LeaseTable, LeaseTable], postgres_url: str
) -> None:
    first, second = pair
    epoch = first.lead(0, OVER, b"")
    with (
        contextlib.suppress(psycopg.OperationalError),
        psycopg.connect(postgres_url, application_name=APPLICATION) as gone,
        gone.pipeline(),
    ):
        gone.execute("SELECT must_lead(%s)", [epoch])
        await until(lambda: waits_in_a_batch(postgres_url, gone.info.backend_pid))
        with pytest.raises(JournalUnavailable, match="kept from it by another server"):
            second.lead(0, LIFE, b"")
        assert second.end_stuck(timedelta(hours=1)) == 0
        assert second.end_stuck(timedelta(0)) == 1
        assert second.lead(0, LIFE, b"") == 2
    assert second.end_stuck(timedelta(0)) == 0


def waits_in_a_batch(url: str, pid: int) -> bool:
    """Whether PostgreSQL has done what it was sent, and waits for the rest."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT state, wait_event FROM pg_stat_activity WHERE pid = %s", [pid]
        )
        return found.fetchone() == ("active", "ClientRead")


async def test_all_servers_agree_on_the_first_key_that_one_proposed(main: Database) -> None:
    assert await installation_keys.agree(main, "mail", b"one") == b"one"
    assert await installation_keys.agree(main, "mail", b"two") == b"one"
    assert await installation_keys.agree(main, "first code", b"two") == b"two"


async def test_tries_are_counted_for_all_servers_together(
    main: Database, postgres_url: str
) -> None:
    throttle = Throttle(SharedCounts(main))
    async with open_database(postgres_url) as others:
        elsewhere = Throttle(SharedCounts(others))
        waits = await asyncio.gather(
            *(each.wait_s("192.0.2.1", "Ada@acme.example") for each in (throttle, elsewhere) * 10)
        )
        assert sum(wait == 0 for wait in waits) == 10
        assert all(0 < wait <= 900 for wait in waits if wait)
        await elsewhere.forgive("192.0.2.1", "ada@acme.example")
        assert await throttle.wait_s("192.0.2.1", "ada@acme.example") == 0


def test_a_database_of_a_newer_version_is_refused(postgres_url: str) -> None:
    assert not migrate(postgres_url)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NewerSchema, match="has schema 9999") as raised:
        migrate(postgres_url.replace("pushlog@", "pushlog:hunter2@"))
    assert "hunter2" not in str(raised.value)


def test_a_database_of_an_older_version_gets_the_newest_schema(
    postgres: Postgres, postgres_url: str
) -> None:
    assert list(TAKE_BACK) == [each for each in REVISIONS[::-1] if each > FIRST_SHARED]
    with psycopg.connect(postgres_url) as connection:
        for statement in TAKE_BACK.values():
            connection.execute(statement.encode())
        connection.execute("UPDATE alembic_version SET version_num = %s", [FIRST_SHARED])
    assert not migrate(postgres_url)
    new = postgres.create()
    migrate(new)
    assert schema(postgres_url) == schema(new)
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM people").fetchall() == [(1,)]


def schema(url: str) -> list[tuple[object, ...]]:
    """The columns and indexes of a database."""
    with psycopg.connect(url) as connection:
        return connection.execute(SCHEMA).fetchall()


def test_a_new_database_has_the_same_rows_in_either_kind(
    postgres: Postgres, tmp_path: Path
) -> None:
    path, url = tmp_path / "pushlog.db", postgres.create()
    assert migrate(path)
    assert migrate(url)
    with (
        contextlib.closing(sqlite3.connect(path)) as file,
        psycopg.connect(url) as other,
    ):
        for table in metadata.sorted_tables:
            query = str(select(table).with_only_columns(*table.columns).compile())
            here = [tuple(map(plain, row)) for row in file.execute(query)]
            there = [tuple(map(plain, row)) for row in other.execute(query.encode())]
            assert here == there, table.name


def plain(value: object) -> object:
    """A value as both drivers would give it."""
    return int(value) if isinstance(value, bool) else value
