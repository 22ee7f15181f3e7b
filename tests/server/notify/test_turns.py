"""What looks into the database again and again goes on, also after a turn that could not."""

import sqlite3

import pytest

from server.notify.turns import take_turns


class Enough(Exception):
    """Ends the turns, as every defect does."""


async def test_a_turn_follows_each_turn_and_one_that_failed_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcomes = iter([sqlite3.OperationalError("database is locked"), None, Enough()])

    async def turn() -> None:
        if (error := next(outcomes)) is not None:
            raise error

    with pytest.raises(Enough):
        await take_turns("summaries", turn, 0.0)
    assert "summaries wait: database is locked" in caplog.text
