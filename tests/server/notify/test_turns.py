"""What looks into the database again and again goes on, also after a turn that could not."""

import asyncio
import sqlite3

import pytest

from server.notify.turns import take_turns


async def test_a_turn_follows_each_turn_and_one_that_failed_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    taken = 0
    enough = asyncio.Event()

    async def turn() -> None:
        nonlocal taken
        taken += 1
        if taken == 1:
            raise sqlite3.OperationalError("database is locked")
        if taken == 3:
            enough.set()

    turns = asyncio.create_task(take_turns("summaries", turn, 0.0))
    await enough.wait()
    turns.cancel()
    assert "summaries wait: database is locked" in caplog.text
