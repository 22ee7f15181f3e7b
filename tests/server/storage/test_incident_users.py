"""Each user of an incident counts once, up to a limit."""

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, select

from server.storage.database import Transaction
from server.storage.main import incident_users
from server.storage.main.incident_users import MAX_USERS, user_hash
from server.storage.main.tables import incident_users as table
from tests.server.web.conftest import incident_id

ONE, OTHER = incident_id(1), incident_id(2)


async def kept(tx: Transaction, incident: str = ONE) -> set[int]:
    return set(await tx.scalars(select(table.c.user).where(table.c.incident_id == incident)))


async def test_a_user_counts_once_in_each_incident(tx: Transaction) -> None:
    await incident_users.add(tx, {ONE: [1, 2, 2], OTHER: {2}})
    await incident_users.add(tx, {ONE: [2, 3]})
    assert await incident_users.count(tx, ONE) == 3
    assert await incident_users.counts(tx, [ONE, OTHER, "inc-3"]) == {ONE: 3, OTHER: 1, "inc-3": 0}
    assert await incident_users.counts(tx, []) == {}


async def test_of_too_many_users_the_first_ones_are_kept(tx: Transaction) -> None:
    await incident_users.add(tx, {ONE: range(MAX_USERS - 2)})
    # Only the two that are new take room.
    await incident_users.add(tx, {ONE: [0, 1, 5_000, 2, 5_000, 6_000, 7_000], OTHER: [1]})
    first = {*range(MAX_USERS - 2), 5_000, 6_000}
    assert await kept(tx) == first
    await incident_users.add(tx, {ONE: [8_000]})
    assert await kept(tx) == first
    assert await incident_users.count(tx, ONE) == MAX_USERS
    assert await kept(tx, OTHER) == {1}


async def test_more_users_at_once_than_are_kept_are_cut(tx: Transaction) -> None:
    await incident_users.add(tx, {ONE: range(MAX_USERS + 5)})
    assert await kept(tx) == set(range(MAX_USERS))


@pytest.mark.parametrize("users", [{}, {ONE: [], OTHER: set[int]()}])
async def test_without_users_nothing_is_asked(
    tx: Transaction, users: dict[str, Collection[int]]
) -> None:
    asked: list[str] = []

    def note(*about: Any) -> None:
        asked.append(about[2])

    event.listen(tx.sync_connection, "before_cursor_execute", note)
    await incident_users.add(tx, users)
    assert asked == []
    # However many incidents and users there are, one statement adds them.
    await incident_users.add(tx, {ONE: range(9), OTHER: range(9)})
    assert len(asked) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), most=st.sampled_from([9, MAX_USERS - 1, MAX_USERS + 3]))
async def test_neither_order_nor_repetition_nor_cuts_change_the_count(
    tx: Transaction, data: st.DataObject, most: int
) -> None:
    numbers = st.integers(0, most)
    few = data.draw(st.lists(st.lists(numbers, max_size=9), max_size=5))
    # A run in one of the batches comes near the limit without a draw for each user.
    few.insert(data.draw(st.integers(0, len(few))), list(range(data.draw(numbers))))
    users = [user for batch in few for user in batch]
    for incident in (ONE, OTHER):
        await tx.execute(delete(table).where(table.c.incident_id == incident))
    for batch in few:
        await incident_users.add(tx, {ONE: batch})
    for batch in [*data.draw(st.permutations(few)), users]:
        await incident_users.add(tx, {OTHER: batch[::-1]})
    wanted = min(len(set(users)), MAX_USERS)
    assert await incident_users.counts(tx, [ONE, OTHER]) == {ONE: wanted, OTHER: wanted}
    # The same entries in the same order keep the same users, wherever batches are cut.
    assert await kept(tx) == set(list(dict.fromkeys(users))[:MAX_USERS])


@given(st.text(st.characters(codec=None)))
def test_a_hash_is_a_number_that_sqlite_can_hold(user_id: str) -> None:
    assert -(2**63) <= user_hash(user_id) < 2**63


def test_the_hash_of_a_user_stays_the_same_from_version_to_version() -> None:
    assert user_hash("ada@example.com") == 7438600334607719399
    assert user_hash("Ada@example.com") != user_hash("ada@example.com")


async def test_the_smallest_and_the_largest_hash_are_kept(tx: Transaction) -> None:
    await incident_users.add(tx, {ONE: [-(2**63), 2**63 - 1]})
    assert await kept(tx) == {-(2**63), 2**63 - 1}
