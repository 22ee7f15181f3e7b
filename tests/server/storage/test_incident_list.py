"""What needs somebody is listed first, and every page goes on where the last one ended."""

from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings, strategies
from sqlalchemy import delete

from server.storage.database import Database
from server.storage.main import incidents, tables
from server.storage.main.incidents import IncidentFilter, IncidentState, place_of
from server.storage.times import to_micros
from shared.pipe import IncidentEnded
from tests.builders import at
from tests.server.web.conftest import incident, incident_id


class Case(NamedTuple):
    """An incident: how urgent, and what people did about it."""

    priority: int
    state: str = "new"


async def put(database: Database, *cases: Case) -> None:
    """Make them the only ones, numbered from 1 in the order in which they opened.

    Their events come the other way round, as from a wrong clock.
    """
    async with database.write() as tx:
        for table in (tables.incident_changes, tables.symptoms, tables.incidents):
            await tx.execute(delete(table))
        for number, case in enumerate(cases, 1):
            opened = incident(number, priority_score=case.priority, start_time=at(-number))
            await incidents.put(tx, opened)
            if case.state != "new":
                await incidents.acknowledge(tx, opened.incident_id, "Ada", to_micros(at(9)))
            if case.state == "ended":
                await incidents.end(tx, IncidentEnded(opened.incident_id, "it is quiet", at(10)))


async def listed(
    database: Database, state: IncidentState | None = None, limit: int = 100
) -> list[str]:
    """All of them, read in pages of `limit`."""
    found: list[str] = []
    after = None
    async with database.read() as tx:
        while page := await incidents.by_need(tx, IncidentFilter(state=state), limit, after):
            found += [each.summary.incident_id for each in page]
            after = place_of(page[-1])
    return found


def ids(*numbers: int) -> list[str]:
    return [incident_id(number) for number in numbers]


CASES = (
    Case(50),
    Case(90),
    Case(99, "acknowledged"),
    Case(99, "ended"),
    Case(10, "ended"),
    Case(50),
)


@pytest.mark.parametrize(
    ("state", "numbers"),
    [
        (None, (2, 6, 1, 3, 5, 4)),
        ("open", (2, 6, 1, 3)),
        ("acknowledged", (3,)),
        ("ended", (5, 4)),
    ],
)
async def test_open_ones_come_by_priority_then_acknowledged_ones_then_ended_ones_by_age(
    database: Database, state: IncidentState | None, numbers: tuple[int, ...]
) -> None:
    await put(database, *CASES)
    assert await listed(database, state) == ids(*numbers)


async def test_by_age_means_when_they_opened_and_not_the_time_of_an_event(
    database: Database,
) -> None:
    await put(database, *CASES)
    async with database.read() as tx:
        found = await incidents.newest(tx, IncidentFilter(), 10)
    assert [each.summary.incident_id for each in found] == ids(6, 5, 4, 3, 2, 1)


A_CASE = strategies.builds(
    Case, strategies.integers(0, 3), strategies.sampled_from(["new", "acknowledged", "ended"])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(cases=strategies.lists(A_CASE, max_size=9), limit=strategies.integers(1, 4))
async def test_pages_of_any_size_say_each_incident_once_in_order(
    database: Database, cases: list[Case], limit: int
) -> None:
    await put(database, *cases)
    assert await listed(database, limit=limit) == await listed(database)
    assert sorted(await listed(database)) == ids(*range(1, len(cases) + 1))
