"""How often deploys fail and how long until that is over."""

from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.database import Database
from server.storage.main import deploy_figures, deploys, incidents
from server.storage.main.deploy_figures import DAYS, DeployFigures, FiguresFilter
from server.storage.times import to_micros
from shared.incident import SuspectCommit, Verdict
from shared.pipe import DeployVerdict, IncidentEnded
from tests.builders import at, change_window
from tests.server.storage.conftest import only_sqlite
from tests.server.web.conftest import incident, incident_id

NOW = at(86_400)
EVERYTHING = FiguresFilter()


async def deploy(
    database: Database,
    name: str,
    verdict: Verdict | None = "faulty",
    *,
    seconds: float = 0,
    service: str = "shop",
    environment: str = "production",
) -> None:
    window = change_window(seconds, deploy_id=name)
    async with database.write() as tx:
        await deploys.store(tx, service, environment, window)
        if verdict is not None:
            said = DeployVerdict(
                service, environment, at(seconds), verdict, ["9 errors in 2 minutes"], name
            )
            assert await deploys.set_verdict(tx, said)


async def suspect(
    database: Database,
    number: int,
    name: str,
    *,
    ended: float | None = None,
    confidence: float = 0.9,
    **changes: Any,
) -> None:
    """Incident `number` suspects the deploy; it ended `ended` seconds after the start."""
    cause = SuspectCommit("c1", 1.0, confidence, [], deploy_time=at(0), deploy_id=name)
    async with database.write() as tx:
        await incidents.put(tx, incident(number, suspected_causes=[cause], **changes))
        if ended is not None:
            await incidents.end(tx, IncidentEnded(incident_id(number), "it is quiet", at(ended)))


async def measured(database: Database, wanted: FiguresFilter = EVERYTHING) -> DeployFigures:
    async with database.read() as tx:
        return await deploy_figures.measure(tx, wanted, to_micros(NOW))


async def restores(database: Database) -> tuple[int, int, float | None]:
    found = await measured(database)
    return found.restored, found.not_restored, found.median_restore_s


async def test_without_a_judged_deploy_there_is_no_rate(database: Database) -> None:
    await deploy(database, "a", "too_little_data")
    await deploy(database, "b", None, seconds=10)
    assert await measured(database) == DeployFigures(
        days=30,
        judged=0,
        failed=0,
        change_failure_rate=None,
        restored=0,
        not_restored=0,
        median_restore_s=None,
    )


async def test_the_rate_is_of_the_deploys_that_were_judged(database: Database) -> None:
    verdicts: tuple[Verdict | None, ...] = (
        "faulty",
        "clean",
        "clean",
        "suspect",
        "too_little_data",
        None,
    )
    for number, verdict in enumerate(verdicts):
        await deploy(database, f"d{number}", verdict, seconds=number)
    found = await measured(database)
    assert (found.judged, found.failed, found.change_failure_rate) == (4, 1, 0.25)


async def test_a_deploy_counts_for_30_days(database: Database) -> None:
    oldest = 86_400 - DAYS * 86_400
    await deploy(database, "just", seconds=oldest)
    await deploy(database, "older", seconds=oldest - 0.000_001)
    await suspect(database, 1, "just")
    await suspect(database, 2, "older")
    found = await measured(database)
    assert (found.judged, found.failed, found.not_restored) == (1, 1, 1)


@pytest.mark.parametrize(
    ("wanted", "judged", "not_restored"),
    [
        (EVERYTHING, 3, 3),
        (FiguresFilter(service="shop"), 2, 2),
        (FiguresFilter(environment="production"), 2, 2),
        (FiguresFilter(service="shop", environment="staging"), 1, 1),
        (FiguresFilter(service="gone"), 0, 0),
    ],
)
async def test_only_deploys_of_the_service_and_environment_count(
    database: Database, wanted: FiguresFilter, judged: int, not_restored: int
) -> None:
    places = (("shop", "production"), ("shop", "staging"), ("api", "production"))
    for number, (service, environment) in enumerate(places, 1):
        # One commit is deployed everywhere, and each incident is about its own place.
        await deploy(database, "head", service=service, environment=environment)
        await suspect(database, number, "head", service=service, environment=environment)
    found = await measured(database, wanted)
    assert (found.judged, found.not_restored) == (judged, not_restored)


async def test_an_incident_of_another_place_says_nothing_of_the_deploy(database: Database) -> None:
    await deploy(database, "head")
    await suspect(database, 1, "head", service="api")
    await suspect(database, 2, "head", environment="staging")
    assert await restores(database) == (0, 0, None)


async def test_a_deploy_is_restored_when_the_last_of_its_incidents_has_ended(
    database: Database,
) -> None:
    await deploy(database, "a", seconds=100)
    await suspect(database, 1, "a", ended=700)
    await suspect(database, 2, "a", ended=400)
    assert await restores(database) == (1, 0, 600.0)


async def test_the_median_of_an_even_number_is_halfway_between_the_two_in_the_middle(
    database: Database,
) -> None:
    for number, took in enumerate((100, 300, 400, 9_000), 1):
        await deploy(database, f"d{number}", seconds=number)
        await suspect(database, number, f"d{number}", ended=number + took)
    assert await restores(database) == (4, 0, 350.0)


async def test_a_deploy_with_an_open_incident_is_counted_and_not_in_the_median(
    database: Database,
) -> None:
    await deploy(database, "restored")
    await suspect(database, 1, "restored", ended=600)
    await deploy(database, "not yet", seconds=10)
    await suspect(database, 2, "not yet", ended=20)
    await suspect(database, 3, "not yet")
    await suspect(database, 4, "not yet")
    assert await restores(database) == (1, 1, 600.0)


async def test_a_suspicion_below_a_half_is_left_out(database: Database) -> None:
    await deploy(database, "a")
    await suspect(database, 1, "a", confidence=0.499)
    assert await restores(database) == (0, 0, None)
    await suspect(database, 2, "a", ended=60, confidence=0.5)
    assert await restores(database) == (1, 0, 60.0)


async def test_only_faulty_deploys_have_a_time(database: Database) -> None:
    verdicts: tuple[Verdict | None, ...] = ("clean", "suspect", "too_little_data", None)
    for number, verdict in enumerate(verdicts, 1):
        await deploy(database, f"d{number}", verdict, seconds=number)
        await suspect(database, number, f"d{number}")
    await deploy(database, "without an incident", seconds=9)
    assert await restores(database) == (0, 0, None)


async def test_an_incident_that_ended_before_the_deploy_is_of_its_earlier_run(
    database: Database,
) -> None:
    await deploy(database, "old")
    await suspect(database, 1, "old", ended=50)
    await deploy(database, "new", "clean", seconds=100)
    await deploy(database, "old", seconds=200)
    assert await restores(database) == (0, 0, None)
    await suspect(database, 2, "old", ended=260)
    assert await restores(database) == (1, 0, 60.0)


@only_sqlite
@pytest.mark.parametrize(
    "wanted",
    [
        EVERYTHING,
        FiguresFilter(service="shop"),
        FiguresFilter(environment="production"),
        FiguresFilter(service="shop", environment="production"),
    ],
)
async def test_two_statements_find_all_by_indexes(
    database: Database, wanted: FiguresFilter
) -> None:
    asked: list[tuple[str, Any]] = []

    def note(
        _connection: Connection,
        _cursor: DBAPICursor,
        statement: str,
        parameters: object,
        *_: object,
    ) -> None:
        asked.append((statement, parameters))

    async with database.read() as tx:
        event.listen(tx.sync_engine, "before_cursor_execute", note)
        await deploy_figures.measure(tx, wanted, to_micros(NOW))
        counts, effects = asked
        (step,) = await steps_of(tx, *counts)
        assert "deploys USING COVERING INDEX ix_deploys_" in step
        plan = await steps_of(tx, *effects)
        assert not [step for step in plan if step.startswith("SCAN")], plan
        assert any("incidents USING INDEX sqlite_autoindex_incidents_1" in step for step in plan)


async def steps_of(tx: AsyncConnection, statement: str, parameters: Any) -> list[str]:
    plan = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return [row.detail for row in plan]
