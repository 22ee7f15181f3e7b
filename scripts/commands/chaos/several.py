"""Kills and disturbs servers that share a PostgreSQL, and compares the result with one on a box.

Each round starts a PostgreSQL and the servers, and sends events to them in turn, each again to the
next server until it is answered 202. Meanwhile it strikes at random. What is in PostgreSQL in the
end is copied into SQLite, and must equal what one undisturbed engine makes of the same journal.
"""

import asyncio
import contextlib
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg
from sqlalchemy import create_engine

from scripts.commands.chaos import checks
from scripts.commands.chaos.checks import Round
from scripts.commands.chaos.installation import BLOWS, RECEIVER, Installation, open_installation
from scripts.commands.chaos.load import send_load
from scripts.commands.chaos.replay import prepare, replay
from scripts.commands.chaos.shared_progress import all_decided, ask, number
from scripts.commands.move_to_postgres import copy_rows
from server.notify.channels import outlets_of
from server.settings.settings import read_settings
from server.storage.database import migrate
from server.storage.journal.file import JournalFile
from server.storage.main.tables import metadata
from server.storage.postgresql import sync_engine

_BLOWS_A_SECOND = 0.7
_NEWS_S = 60.0
_LOOK_EVERY_S = 0.1

_NEWS_IS_OUT = (
    "SELECT coalesce(bool_and(told >= least(due, 5)), true) FROM ("
    "SELECT count(*) AS due, count(*) FILTER (WHERE state IN ('sent', 'digested')) AS told "
    "FROM outbox GROUP BY channel) AS each"
)
"""Whether each channel has told what goes out at once."""

_TOLD_THE_TIME = "SELECT received FROM journal_head"


async def play(folder: Path, seed: int, events: int, count: int) -> Round:
    """Play one round in `folder`, with so many servers."""
    rng = random.Random(seed)  # noqa: S311 - chance that can be had again
    made: list[str] = []
    async with open_installation(folder, count, rng) as installation:
        url, servers, receivers = installation.url, installation.servers, installation.receivers
        async with installation.running():
            disturbing = asyncio.create_task(_strike_now_and_then(installation, rng, made))
            urls = [server.url for server in servers]
            accepted = await send_load(urls, events, clients=16, rng=rng)
            disturbing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await disturbing
            await _wait(lambda: all_decided(url) and ask(url, _NEWS_IS_OUT) is True)
        found: list[str] = []
        box = folder / "disturbed.db"
        await asyncio.to_thread(take_home, url, box)
        env = {"DATABASE_URL": f"sqlite:///{box}", **receivers.settings()}
        outlets = outlets_of(read_settings(env))
        journal = box.with_name("disturbed-journal.db")
        # Ticks told the engine the time since the last entry.
        end = number(url, _TOLD_THE_TIME) + 1_000_000
        undisturbed = folder / "undisturbed.db"
        checks.copy_database(journal, folder / "undisturbed-journal.db")
        await prepare(undisturbed, RECEIVER)
        checks.copy_dead_letters(box, undisturbed)
        await replay(journal, box, end, outlets)
        await replay(folder / "undisturbed-journal.db", undisturbed, end, outlets)
        log = folder / "all.log"
        log.write_text("".join(server.log.read_text(errors="replace") for server in servers))
        received = {"webhook": receivers.webhooks, "apprise": receivers.apprise}
        counts = checks.count(journal, box, log, accepted.keys, received, found)
        found.extend(checks.differences(box, undisturbed))
    return Round(
        counts=counts,
        blows=Counter(made),
        kills=sum(server.kills for server in servers),
        retries=accepted.broken + accepted.unavailable,
        faults=found,
    )


def take_home(url: str, box: Path) -> None:
    """Copy what is in PostgreSQL into SQLite files: `box`, and the journal beside it."""
    migrate(box)
    source, target = sync_engine(url), create_engine(f"sqlite:///{box}")
    with source.connect() as old, target.begin() as new:
        for table in metadata.sorted_tables:
            # Instead of what a new database brings along.
            new.execute(table.delete())
            copy_rows(table, old, new)
    source.dispose()
    target.dispose()
    journal = box.with_name(f"{box.stem}-journal.db")
    JournalFile(journal, writable=True).close()
    with (
        psycopg.connect(url) as there,
        contextlib.closing(sqlite3.connect(journal)) as here,
        here,
    ):
        entries = there.execute("SELECT seq, received, body FROM journal_entries ORDER BY seq")
        here.executemany("INSERT INTO entries VALUES (?, ?, ?)", entries)


async def _strike_now_and_then(
    installation: Installation, rng: random.Random, made: list[str]
) -> None:
    while True:
        await asyncio.sleep(rng.expovariate(_BLOWS_A_SECOND))
        blow = rng.choice(BLOWS)
        await installation.strike(blow, rng)
        made.append(blow)


async def _wait(is_so: Callable[[], bool]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_NEWS_S):
            while not await asyncio.to_thread(is_so):  # noqa: ASYNC110 - another process
                await asyncio.sleep(_LOOK_EVERY_S)
