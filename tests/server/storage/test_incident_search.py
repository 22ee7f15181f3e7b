"""Incidents are found by what people remember of them, and only what is shown is read."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings, strategies
from sqlalchemy import Connection, delete, event, insert, select, text
from sqlalchemy.engine.interfaces import DBAPICursor

from server.storage.database import Database, migrate, open_database
from server.storage.dialect import is_postgresql
from server.storage.main import incident_search, incidents
from server.storage.main.incident_search import read_search, searched_text
from server.storage.main.incidents import IncidentFilter, Places
from server.storage.main.tables import incident_texts, symptoms
from server.storage.main.tables import incidents as incidents_table
from shared.incident import IncidentSummary
from shared.pipe import Incident
from tests.builders import frame
from tests.server.storage.conftest import only_sqlite
from tests.server.web.conftest import incident, incident_id


async def put(database: Database, *several: Incident) -> None:
    async with database.write() as tx:
        for each in several:
            await incidents.put(tx, each)


async def found(database: Database, typed: str, **others: str) -> list[str]:
    wanted = IncidentFilter(search=read_search(typed), **others)  # type: ignore[arg-type]
    async with database.read() as tx:
        return [each.summary.incident_id for each in await incidents.newest(tx, wanted, 50)]


@pytest.mark.parametrize(
    "typed",
    [
        "GatewayTimeout",
        "timeout",
        "TIMEOUT",
        "did not answer",
        "answer gateway",
        "payments.example.com",
        "checkout/pay.py",
        "pay.p",
        "charge",
        "/api/orders",
        "shop",
        "produ",
        "0000000000000001",
        "shop@1.4",
        "py",
        "5",
        "größe",
        "GRÖSSE",
        "支払",
        "払",
        "  timeout  ",
    ],
)
async def test_an_incident_is_found_by_parts_of_words_in_any_order_and_case(
    database: Database, typed: str
) -> None:
    mine = incident(
        1,
        title="GatewayTimeout: payments.example.com did not answer within 5.0 s",
        exception_type="GatewayTimeout",
        message="payments.example.com did not answer within 5.0 s: Größe 再支払",
        stacktrace=[frame("checkout/pay.py", "charge")],
        api_route="/api/orders",
    )
    await put(database, mine, incident(2, service="web", environment="dev", stacktrace=[]))
    assert await found(database, typed) in ([incident_id(1)], [incident_id(2), incident_id(1)])
    assert incident_id(1) in await found(database, typed)


@pytest.mark.parametrize("typed", ["gateway", "ri", "is a", "price -", "django", "price 12"])
async def test_what_does_not_stand_there_is_not_found(database: Database, typed: str) -> None:
    await put(database, incident(1, title="ValueError: price is", message="price is"))
    assert await found(database, typed) == []


async def test_one_or_two_characters_find_beginnings_of_words_only(database: Database) -> None:
    await put(database, incident(1, message="openDB failed"), incident(2, message="db-pool empty"))
    assert await found(database, "db") == [incident_id(2)]
    assert await found(database, "odb") == []
    assert await found(database, "ndb") == [incident_id(1)]


WAYS = ((incident_search.FEW, incident_search.MANY), (-1, incident_search.MANY), (-1, -1))
"""Each of the ways in which incidents are looked up, however few they are."""

SPECIAL = [
    '"',
    "*",
    "AND",
    "NOT x",
    "a OR b",
    "NEAR(a b)",
    "text:x",
    "^a",
    "-",
    "(",
    "%",
    "'",
    "\0",
]


@pytest.mark.parametrize("typed", [*SPECIAL, "".join(SPECIAL), "\x01", "\ud800", "'; DROP TABLE x"])
async def test_no_character_has_a_meaning_of_its_own(database: Database, typed: str) -> None:
    await put(database, incident(1, message='say "*" AND NEAR(a b)'), incident(2))
    for few, many in WAYS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(incident_search, "FEW", few)
            patch.setattr(incident_search, "MANY", many)
            await found(database, typed.encode(errors="replace").decode())
    assert await found(database, 'NEAR(a "*"') == [incident_id(1)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    message=strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=40),
    start=strategies.integers(0, 39),
    length=strategies.integers(3, 10),
)
async def test_any_three_characters_or_more_of_a_message_find_it_in_each_way(
    database: Database, message: str, start: int, length: int
) -> None:
    words = message[start : start + length].split()
    typed = " ".join(word for word in words if len(word.casefold()) > 2)
    await put(database, incident(1, seq=incident(1).seq, message=f"x{message}x"))
    if not typed or "\1" in typed or "\0" in typed:
        return
    for few, many in WAYS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(incident_search, "FEW", few)
            patch.setattr(incident_search, "MANY", many)
            assert await found(database, typed) == [incident_id(1)]


async def test_the_index_follows_changes_of_an_incident_and_its_end(database: Database) -> None:
    await put(database, incident(1))
    await put(database, incident(1, seq=2000, message="disk is full", title="disk is full"))
    assert await found(database, "price 1 is negative") == []
    assert await found(database, "disk") == [incident_id(1)]
    async with database.write() as tx:
        await tx.execute(delete(symptoms))
        await tx.execute(delete(incidents_table))
        assert (await tx.execute(select(incident_texts))).all() == []
        if not is_postgresql(tx):
            await tx.execute(
                text("INSERT INTO incident_search (incident_search) VALUES ('integrity-check')")
            )
            assert await tx.scalar(text("SELECT count(*) FROM incident_search('disk')")) == 0


async def test_filters_and_text_narrow_together(database: Database) -> None:
    await put(
        database,
        incident(1, severity="warning"),
        incident(2, service="web", trigger="spike", severity="critical"),
        incident(3, environment="staging"),
    )
    assert await found(database, "negative", severity="error") == [incident_id(3), incident_id(2)]
    assert await found(database, "negative", service="web", trigger="spike") == [incident_id(2)]
    assert await found(database, "negative", environment="staging", state="ended") == []


async def test_the_migration_indexes_what_is_there_as_the_server_would(tmp_path: Path) -> None:
    path = tmp_path / "main.db"
    config = Config()
    config.set_main_option("script_location", "server/storage/migrations")
    config.attributes["url"] = f"sqlite:///{path}"
    command.upgrade(config, "0004")
    old = [
        incident(1, message="Größe 5 db\0x" + "x" * 3000, api_route="/api", alert_rule="p95"),
        incident(2, stacktrace=[frame(in_app=False), frame(None, None, module="m")]),
        incident(3, stacktrace=[]),
    ]
    newer = {"text_id", "acknowledged_at", "acknowledged_by"}
    newer |= {"told_at", "reminded_at", "handed_on_at"}
    old[2].release = None
    shown = {each.name for each in incidents_table.c} - newer
    async with open_database(path) as database, database.write() as tx:
        for each in old:
            summary = msgspec.convert(each, IncidentSummary, from_attributes=True)
            values = {name: getattr(each, name, 0) for name in shown}
            values |= {"ended_at": None, "summary": msgspec.json.encode(summary)}
            await tx.execute(insert(incidents_table).values(**values))
    migrate(path)
    async with open_database(path) as database, database.read() as tx:
        texts = set(
            await tx.scalars(select(incident_texts).with_only_columns(incident_texts.c.text))
        )
        assert texts == {searched_text(each) for each in old}
        assert await tx.scalar(text("SELECT count(*) FROM incident_search('grösse')")) == 1


@only_sqlite
@pytest.mark.parametrize(
    "wanted",
    [
        IncidentFilter(),
        IncidentFilter(state="open"),
        IncidentFilter(state="ended", trigger="deploy", severity="critical"),
        IncidentFilter(service="shop", severity="error"),
        IncidentFilter(environment="staging", state="open", trigger="spike"),
        IncidentFilter(service="shop", environment="staging", search=read_search("price ab")),
    ],
)
async def test_no_filter_reads_the_rows_of_incidents_that_are_not_shown(
    database: Database, wanted: IncidentFilter
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
        await incidents.newest(tx, wanted, 50)
        await incidents.by_need(tx, wanted, 50)
        lists = [each for each in asked if "ORDER BY" in each[0]]
        assert len(lists) == (2 if wanted.state else 3)
        for statement, parameters in lists:
            plan = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            (index,) = [row.detail for row in plan if " incidents " in row.detail]
            assert "COVERING INDEX ix_incidents_list" in index


async def test_of_very_many_hits_each_incident_is_compared_with_the_search(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(
        database,
        *(incident(number, title="GatewayTimeout") for number in (1, 2, 3)),
        incident(4, title="KeyError", exception_type="KeyError", message="id"),
    )
    for many in (1, 2, 3):
        monkeypatch.setattr(incident_search, "FEW", 1)
        monkeypatch.setattr(incident_search, "MANY", many)
        assert await found(database, "gatewaytimeout") == [incident_id(n) for n in (3, 2, 1)]


async def test_places_are_named_once_each_in_order(database: Database) -> None:
    for number, (service, environment) in enumerate(
        [("web", "staging"), ("shop", "production"), ("web", "production"), ("api", "staging")], 1
    ):
        await put(database, incident(number, service=service, environment=environment))
    async with database.read() as tx:
        assert await incidents.places(tx, 9) == Places(
            ["api", "shop", "web"], ["production", "staging"]
        )
        assert await incidents.places(tx, 2) == Places(["api", "shop"], ["production", "staging"])
