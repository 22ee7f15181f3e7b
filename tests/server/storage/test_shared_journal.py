"""The journal that servers share: one order for all, and 202 only for what is on the disk."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import psycopg
import pytest

from scripts.commands.chaos.postgres_process import Postgres
from server.storage.journal import shared
from server.storage.journal.entry import JournalUnavailable
from server.storage.journal.shared import SharedJournal, open_shared_journal
from server.storage.journal.table import JournalTable
from tests.builders import event_entry
from tests.waiting import LIMIT_S, limit, until

ENTRY = event_entry(seq=None, received=None)


@pytest.fixture
async def pair(postgres_url: str) -> AsyncIterator[tuple[SharedJournal, SharedJournal]]:
    async with open_shared_journal(postgres_url) as one, open_shared_journal(postgres_url) as other:
        yield one, other


async def test_numbers_and_stamps_of_all_servers_are_one_order_without_a_gap(
    pair: tuple[SharedJournal, SharedJournal],
) -> None:
    for _ in range(10):
        await asyncio.gather(*(each.append([ENTRY, ENTRY], None) for each in pair * 10))
    for journal in pair:
        entries = await journal.read(0, 1_000, 10**9)
        assert [each.seq for each in entries] == list(range(1, 401))
        stamps = [each.received for each in entries]
        assert stamps == sorted(stamps)


async def test_a_server_learns_what_the_others_append(
    pair: tuple[SharedJournal, SharedJournal],
) -> None:
    one, other = pair
    following = asyncio.create_task(other.follow())
    await one.append([ENTRY], None)
    async with limit():
        await other.wait_beyond(0)
    assert other.last_seq == 1
    following.cancel()


async def test_no_entry_of_any_server_is_stamped_earlier_than_a_time_that_was_told(
    pair: tuple[SharedJournal, SharedJournal],
) -> None:
    one, other = pair
    for seq in range(1, 20):
        told = await one.settled(seq - 1)
        assert told is not None
        await other.append([ENTRY], None)
        appended = await other.get(seq)
        assert appended is not None
        assert appended.received >= told
        assert await one.settled(seq - 1) is None


async def test_time_does_not_go_back_when_the_clock_of_postgresql_does(
    pair: tuple[SharedJournal, SharedJournal], postgres_url: str
) -> None:
    one, _ = pair
    ahead = 2**52
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE journal_head SET received = %s", (ahead,))
    await one.append([ENTRY], None)
    appended = await one.get(1)
    assert appended is not None
    assert appended.received == ahead


async def test_identities_that_expired_are_removed_as_new_ones_come(postgres_url: str) -> None:
    async with open_shared_journal(postgres_url) as journal:
        await journal.append([ENTRY], "old")
        with psycopg.connect(postgres_url) as connection:
            connection.execute("UPDATE journal_identities SET received = 0")
        assert not (await journal.append([ENTRY], "old")).duplicate
        with psycopg.connect(postgres_url) as connection:
            connection.execute("UPDATE journal_identities SET received = 0")
        await asyncio.gather(*(journal.append([ENTRY], f"{number}") for number in range(300)))
        assert await journal.find("old") is None
        assert await journal.find("299") is not None


async def test_a_journal_that_is_not_durable_is_refused(
    postgres: Postgres, postgres_url: str
) -> None:
    name = postgres_url.partition("@/")[2].partition("?")[0]
    postgres.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(JournalUnavailable, match="synchronous_commit is off"):
        JournalTable(postgres_url)


async def test_a_group_of_another_server_is_not_waited_for_for_ever(
    pair: tuple[SharedJournal, SharedJournal], postgres_url: str
) -> None:
    one, _ = pair
    with psycopg.connect(postgres_url) as holder:
        # As it is but for tests.
        holder.execute("ALTER FUNCTION journal_append SET lock_timeout = '500ms'")
        holder.commit()
        holder.execute("SELECT * FROM journal_head FOR UPDATE")
        with pytest.raises(JournalUnavailable, match="the other servers' groups take too long"):
            await one.append([ENTRY], None)
    assert (await one.append([ENTRY], None)).seqs == (1,)


async def test_a_commit_that_comes_too_late_is_a_duplicate_when_it_is_repeated(
    pair: tuple[SharedJournal, SharedJournal], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    await one.append([ENTRY], None)
    monkeypatch.setattr(shared, "APPEND_TIMEOUT_S", 0.01)
    with psycopg.connect(postgres_url) as connection:
        processes = connection.execute(
            "SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE '%journal_append(%' "
            "AND pid <> pg_backend_pid()"
        ).fetchall()
    ((backend,),) = processes
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(JournalUnavailable, match="did not answer within"):
            await one.append([ENTRY], "delivery")
    finally:
        os.kill(backend, signal.SIGCONT)
    async with limit():
        while await other.find("delivery") is None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
    monkeypatch.setattr(shared, "APPEND_TIMEOUT_S", LIMIT_S)
    assert (await other.append([ENTRY], "delivery")).duplicate


async def test_what_is_broken_is_tried_again_with_a_new_connection(
    pair: tuple[SharedJournal, SharedJournal], postgres_url: str
) -> None:
    one, _ = pair
    await one.append([ENTRY], None)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(JournalUnavailable, match="PostgreSQL was stopped"):
        await one.append([ENTRY], None)
    assert one.trouble is not None
    trying = asyncio.create_task(one.try_again())
    await until(lambda: one.trouble is None)
    trying.cancel()
    assert (await one.append([ENTRY], None)).seqs == (2,)


async def test_old_entries_are_removed_but_never_the_newest(
    pair: tuple[SharedJournal, SharedJournal],
) -> None:
    one, _ = pair
    await one.append([ENTRY] * 5, None)
    assert await one.remove(3) == 3
    assert await one.remove(5) == 1
    assert [each.seq for each in await one.read(0, 10, 10**6)] == [5]
    (newest,) = await one.read(0, 10, 10**6)
    # The table does not shrink, so the size is that of what is in it.
    assert await one.used_bytes() == len(newest.body)
    assert await one.bytes_that_can_shrink() == await one.give_back() == 0
