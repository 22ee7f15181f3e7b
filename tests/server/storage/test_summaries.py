"""A summary counts what happened in its time and places, and reads no more than that."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.engine.interfaces import DBAPICursor

from server.storage.database import Database, Transaction
from server.storage.main import incident_hours, incidents, not_told
from server.storage.main.incident_hours import HOUR_US
from server.storage.main.not_told import NotTold
from server.storage.main.summaries import Scope, Summary, summarise
from server.storage.times import to_micros
from shared.pipe import IncidentEnded
from tests.builders import at
from tests.server.storage.conftest import only_sqlite
from tests.server.storage.test_deploy_figures import deploy
from tests.server.web.conftest import incident, incident_id

DAY_S = 86_400.0
SINCE, UNTIL = to_micros(at(0)), to_micros(at(DAY_S))
DAY = Scope(since=SINCE, until=UNTIL)


async def put(
    database: Database,
    number: int,
    began: float,
    ended: float | None = None,
    *,
    events: int = 0,
    acknowledged: bool = False,
    **changes: Any,
) -> None:
    """An incident that began, and ended, that many seconds after the start; its events in the
    hour in which it began.
    """
    async with database.write() as tx:
        await incidents.put(tx, incident(number, start_time=at(began), **changes))
        if acknowledged:
            assert await incidents.acknowledge(tx, incident_id(number), "ada", to_micros(at(began)))
        if events:
            hour = to_micros(at(began)) // HOUR_US
            await incident_hours.count(tx, {(incident_id(number), hour): events})
        if ended is not None:
            assert await incidents.end(tx, IncidentEnded(incident_id(number), "quiet", at(ended)))


async def summed(database: Database, scope: Scope = DAY) -> Summary:
    async with database.read() as tx:
        return await summarise(tx, scope)


async def test_where_nothing_happened_there_is_nothing(database: Database) -> None:
    assert await summed(database) == Summary()
    assert Summary().is_empty


async def test_what_opened_and_ended_counts_from_the_first_moment_until_before_the_last(
    database: Database,
) -> None:
    await put(database, 1, -1, 0, severity="critical")
    await put(database, 2, 0, DAY_S - 1, severity="error")
    await put(database, 3, DAY_S - 1, DAY_S, severity="warning")
    await put(database, 4, DAY_S, severity="critical")
    found = await summed(database)
    assert (found.opened, found.ended) == ({"error": 1, "warning": 1}, 2)


async def test_the_notice_of_a_deploy_is_no_incident(database: Database) -> None:
    await put(database, 1, 10, trigger="deploy", events=1)
    await put(database, 2, 10, 20, trigger="deploy", events=1)
    assert (await summed(database)).is_empty


async def test_the_oldest_is_the_one_that_nobody_acknowledged_for_longest(
    database: Database,
) -> None:
    await put(database, 1, -9 * DAY_S, acknowledged=True)
    await put(database, 2, -8 * DAY_S)
    await put(database, 3, 10)
    await put(database, 4, -20 * DAY_S, -10 * DAY_S)
    found = await summed(database)
    assert (found.open, found.opened) == (3, {"error": 1})
    assert found.oldest is not None
    assert (found.oldest.incident_id, found.oldest.started_at) == (incident_id(2), at(-8 * DAY_S))


async def test_the_ten_most_severe_that_opened_come_by_severity_and_priority(
    database: Database,
) -> None:
    await put(database, 1, 1, severity="warning", priority_score=99)
    await put(database, 2, 2, severity="critical", priority_score=1)
    for number in range(3, 13):
        await put(database, number, number, severity="error", priority_score=number)
    await put(database, 13, -1, severity="critical")
    found = [each.incident_id for each in (await summed(database)).most_severe]
    assert found == [incident_id(number) for number in (2, *range(12, 3, -1))]


async def test_the_noisiest_are_by_their_events_in_the_time_whenever_they_began(
    database: Database,
) -> None:
    await put(database, 1, -3 * DAY_S, events=1_000_000)
    await put(database, 2, -3 * DAY_S, 10, events=1_000)
    for number in range(3, 9):
        await put(database, number, 3600 * number, events=number)
    async with database.write() as tx:
        hour = SINCE // HOUR_US
        await incident_hours.count(tx, {(incident_id(1), hour): 7, (incident_id(2), hour): 90})
    found = (await summed(database)).noisiest
    assert [(each.incident_id, each.events) for each in found] == [
        (incident_id(number), events)
        for number, events in ((2, 90), (8, 8), (1, 7), (7, 7), (6, 6))
    ]


async def test_deploys_are_counted_by_what_became_of_them_and_the_faulty_ones_listed(
    database: Database,
) -> None:
    for number, verdict in enumerate(("faulty", "clean", "clean", "suspect", "too_little_data")):
        await deploy(database, f"d{number}", verdict, seconds=number)  # type: ignore[arg-type]
    await deploy(database, "d5", None, seconds=5)
    await deploy(database, "later", seconds=DAY_S)
    await deploy(database, "earlier", seconds=-1)
    found = await summed(database)
    assert found.deploys == {
        "faulty": 1,
        "clean": 2,
        "suspect": 1,
        "too_little_data": 1,
        "watching": 1,
    }
    assert (found.judged, found.change_failure_rate) == (4, 0.25)
    (faulty,) = found.faulty
    assert (faulty.deployed_at, faulty.reasons) == (at(0), ["9 errors in 2 minutes"])


async def test_what_noise_filters_held_back_in_the_time_is_counted(database: Database) -> None:
    await put(database, 1, 10)
    noise = NotTold(way="any", reason="noise_filter", detail="ValueError*")
    other = NotTold(person_id=1, way="any", reason="service_not_chosen")
    async with database.write() as tx:
        for seq, when in enumerate((SINCE, UNTIL - 1, UNTIL)):
            await not_told.add(tx, incident_id(1), seq, "opened", when, [noise, other])
    assert (await summed(database)).held_back == 2


@pytest.mark.parametrize(
    ("services", "environments", "count"),
    [(None, None, 3), (["shop"], None, 2), (None, ["production"], 2), (["shop"], ["staging"], 1)],
)
async def test_only_the_chosen_places_count(
    database: Database,
    services: Sequence[str] | None,
    environments: Sequence[str] | None,
    count: int,
) -> None:
    places = (("shop", "production"), ("shop", "staging"), ("api", "production"))
    for number, (service, environment) in enumerate(places, 1):
        where: dict[str, Any] = {"service": service, "environment": environment}
        await put(database, number, number, events=number, **where)
        await put(database, 10 + number, -number, number, events=number, **where)
        await deploy(database, f"d{number}", service=service, environment=environment)
    scope = Scope(since=SINCE, until=UNTIL, services=services, environments=environments)
    found = await summed(database, scope)
    assert (found.opened, found.ended, found.open) == ({"error": count}, count, count)
    assert len(found.most_severe) == len(found.noisiest) == count
    assert (found.deploys, len(found.faulty)) == ({"faulty": count}, count)


@only_sqlite
@pytest.mark.parametrize("has_statistics", [False, True])
@pytest.mark.parametrize(
    ("services", "environments"),
    [(None, None), (["shop"], None), (None, ["production"]), (["shop"], ["production"])],
)
async def test_a_year_of_incidents_and_deploys_is_not_read(
    database: Database,
    services: Sequence[str] | None,
    environments: Sequence[str] | None,
    has_statistics: bool,
) -> None:
    if has_statistics:
        for number in range(1, 200):
            await put(database, number, -number * DAY_S, None if number == 1 else -number)
            await deploy(database, f"d{number}", seconds=-number * DAY_S)
        async with database.write() as tx:
            await tx.execute(text("ANALYZE"))
    asked: list[tuple[str, Any]] = []

    def note(
        _connection: Connection, _cursor: DBAPICursor, statement: str, parameters: Any, *_: object
    ) -> None:
        asked.append((statement, parameters))

    scope = Scope(since=SINCE, until=UNTIL, services=services, environments=environments)
    async with database.read() as tx:
        event.listen(tx.sync_engine, "before_cursor_execute", note)
        await summarise(tx, scope)
        event.remove(tx.sync_engine, "before_cursor_execute", note)
        # Those of the names of places go from one name to the next.
        for statement, parameters in (each for each in asked if " names" not in each[0]):
            for step in await steps_of(tx, statement, parameters):
                assert is_bounded(step), (step, statement)


def is_bounded(step: str) -> bool:
    """Whether it reads a range of time, what is open, single rows, or nothing of these tables."""
    of_ours = step.split()[1:2] and step.split()[1] in (
        "incidents",
        "deploys",
        "incident_hours",
        "not_told",
    )
    return not of_ours or any(
        each in step
        for each in (
            "ix_incidents_list_of_open",
            "started_at>?",
            "ended_at>?",
            "deployed_at>?",
            "incident_id=?",
            "rowid=?",
        )
    )


async def steps_of(tx: Transaction, statement: str, parameters: Any) -> list[str]:
    plan = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return [row.detail for row in plan]
