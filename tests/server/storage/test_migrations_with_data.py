"""A database of any earlier schema with data in every table keeps all of it when it is migrated."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command
from alembic.config import Config

from server.storage.database import migrate, open_database
from server.storage.main import incidents, notifications, outbox, people
from server.storage.main.outbox import DeliveryFilter
from server.storage.schema import MIGRATIONS, REVISIONS, read_revision
from tests.server.notify.news import incident

ROWS = (1, 2, 3)

SPECIAL: dict[tuple[str, str], Any] = {
    ("people", "min_severity"): "all",
    ("people", "my_commits"): "off",
    ("people", "working_hours"): None,
    ("outbox", "failure"): None,
    ("people", "role"): "admin",
    ("people", "summary"): "weekly",
    ("incidents", "severity"): "error",
    ("incidents", "trigger"): "new_issue",
    ("outbox", "channel"): "email",
    ("outbox", "state"): "waiting",
    ("notifications", "change"): "opened",
}
"""Values of columns that hold one of a few words; elsewhere any value will do."""

JSON = {("people", "services"), ("people", "environments"), ("deploys", "commits")}


def value(table: str, column: str, kind: str, row: int) -> Any:
    """What stands in a row of a table: the same in a column and in those that refer to it."""
    if (table, column) in SPECIAL:
        return SPECIAL[table, column]
    if column == "summary":
        return msgspec.json.encode(incident(row))
    if (table, column) in JSON:
        return b"[]"
    if column == "incident_id":
        return f"inc-{row:016x}"
    match kind:
        case "INTEGER" | "BIGINT" | "BOOLEAN":
            return row
        case "FLOAT":
            return row / 2
        case "BLOB":
            return b"%d" % row
    return f"{column} {row}"


def migrated_to(path: Path, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = f"sqlite:///{path}"
    command.upgrade(config, revision)


def tables(connection: sqlite3.Connection) -> list[str]:
    """Those with data of our own; the search keeps its tables by itself."""
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    ours = (name for (name,) in rows if not name.startswith(("incident_search", "sqlite_")))
    return sorted(name for name in ours if name != "alembic_version")


def columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    return {row[1]: row[2] for row in connection.execute(f"PRAGMA table_info({table})")}


def fill(connection: sqlite3.Connection) -> None:
    for table in tables(connection):
        kinds = columns(connection, table)
        connection.execute(f"DELETE FROM {table}")
        for row in ROWS:
            values = [value(table, name, kind, row) for name, kind in kinds.items()]
            marks = ", ".join("?" * len(values))
            names = ", ".join(f'"{name}"' for name in kinds)
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


def content(connection: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
    connection.row_factory = sqlite3.Row
    return {
        table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
        for table in tables(connection)
    }


@pytest.mark.parametrize("revision", REVISIONS[:-1])
async def test_nothing_is_lost_on_the_way_from(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "pushlog.db"
    migrated_to(path, revision)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        fill(connection)
        before = content(connection)
    migrate(path)
    assert read_revision(path) == REVISIONS[-1]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        after = content(connection)
    for table, rows in before.items():
        kept = [
            {name: row[name] for name in was} for row, was in zip(after[table], rows, strict=True)
        ]
        assert kept == rows, table
    async with open_database(path) as database, database.read() as tx:
        # The server of today reads it.
        assert len(await people.everyone(tx)) == len(ROWS)
        assert len(await notifications.newest(tx, 1, 9)) == 1
        deliveries = await outbox.newest(tx, DeliveryFilter(), 9)
        assert len(deliveries) == (len(ROWS) if "outbox" in before else 0)
        found = await incidents.get(tx, f"inc-{1:016x}")
        assert found is not None
        assert found.summary == incident(1)
