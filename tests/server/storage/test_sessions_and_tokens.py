"""How long a session lasts, and when its use, or that of a token, is worth writing down."""

import pytest

from server.storage.database import Transaction
from server.storage.main import api_tokens, sessions
from server.storage.times import from_micros
from tests.signed_in import OPERATOR

NOW = 1_700_000_000_000_000


@pytest.fixture(autouse=True)
async def nobody_signed_in(tx: Transaction) -> None:
    """End the session that every test database has."""
    await sessions.end_all(tx, OPERATOR)


async def begin(tx: Transaction, name: str, at: int = NOW) -> int:
    return await sessions.add(
        tx, digest=name.encode(), person_id=OPERATOR, address="::1", agent="Firefox", at=at
    )


async def names(tx: Transaction, now: int) -> list[int]:
    return [each.id for each in await sessions.of_person(tx, OPERATOR, now)]


async def test_a_session_lasts_up_to_its_last_moment_also_while_others_begin(
    tx: Transaction,
) -> None:
    end = NOW + sessions.LIFE_US
    first = await begin(tx, "first")
    # To add one clears away what has expired.
    second = await begin(tx, "second", end)
    signed = await sessions.whose(tx, b"first", end)
    assert signed is not None
    assert (signed.session_id, signed.person_id) == (first, OPERATOR)
    assert await names(tx, end) == [second, first]
    assert await sessions.whose(tx, b"first", end + 1) is None
    assert await names(tx, end + 1) == [second]
    await begin(tx, "third", end + 1)
    assert await sessions.whose(tx, b"first", end) is None


async def test_a_session_that_is_seen_lasts_longer(tx: Transaction) -> None:
    first = await begin(tx, "first")
    await sessions.touch(tx, first, NOW + 5)
    (session,) = await sessions.of_person(tx, OPERATOR, NOW + 5 + sessions.LIFE_US)
    assert (session.created_at, session.seen_at) == (from_micros(NOW), from_micros(NOW + 5))
    assert (session.address, session.agent) == ("::1", "Firefox")


@pytest.mark.parametrize(("later", "is_stale"), [(0, False), (1, True)])
async def test_use_is_written_down_when_the_last_note_is_more_than_an_hour_old(
    tx: Transaction, later: int, is_stale: bool
) -> None:
    await begin(tx, "first")
    signed = await sessions.whose(tx, b"first", NOW + sessions.SEEN_EVERY_US + later)
    assert signed is not None
    assert signed.stale is is_stale
    token = await api_tokens.add(
        tx, digest=b"token", person_id=OPERATOR, name="CI", ending="abcd", scope="read", at=NOW
    )
    unused = await api_tokens.whose(tx, b"token", NOW)
    assert unused is not None
    assert unused.stale
    await api_tokens.touch(tx, token, NOW)
    granted = await api_tokens.whose(tx, b"token", NOW + api_tokens.USED_EVERY_US + later)
    assert granted is not None
    assert (granted.token_id, granted.person_id, granted.stale) == (token, OPERATOR, is_stale)
    assert granted.scope == "read"


async def test_sessions_end_one_by_one_or_all_but_one(tx: Transaction) -> None:
    first, second, third = [await begin(tx, name) for name in ("a", "b", "c")]
    assert await sessions.end(tx, OPERATOR, first)
    assert not await sessions.end(tx, OPERATOR, first)
    assert not await sessions.end(tx, OPERATOR + 1, second)
    assert await sessions.end_all(tx, OPERATOR, but=third) == 1
    assert await names(tx, NOW) == [third]
    assert await sessions.end_all(tx, OPERATOR) == 1
    assert await names(tx, NOW) == []
