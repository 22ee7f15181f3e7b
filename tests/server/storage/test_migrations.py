"""Migrations lead from nothing to the declared tables; on migrated databases they do nothing."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event

from server.storage.database import migrate
from server.storage.main.tables import metadata
from server.storage.schema import MIGRATIONS, REVISIONS, NewerSchema, read_revision
from tests.processes import ROOT

MIGRATE = """
import pathlib, sys
from server.storage.database import migrate
migrate(pathlib.Path(sys.argv[1]))
print("alembic" in sys.modules)
"""


def test_all_of_them_on_an_empty_file_give_the_declared_tables(database_path: Path) -> None:
    engine = create_engine(f"sqlite:///{database_path}")
    with engine.connect() as connection:
        # The tables of the search are SQLite's own, and no declared ones.
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, *_: not (name or "").startswith("incident_search")},
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_their_files_are_named_in_the_order_in_which_they_run() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    assert [script.revision for script in scripts] == REVISIONS[::-1]


@contextlib.contextmanager
def copied_before_each_statement(path: Path, copies: Path) -> Iterator[None]:
    """Copies of the database at `path`, each as a kill in that moment would leave it."""

    def copy(*_: object) -> None:
        folder = copies / f"{len(list(copies.iterdir())):04}"
        folder.mkdir()
        # With what SQLite keeps beside it: that is what the next start finds.
        for file in path.parent.glob(f"{path.name}*"):
            shutil.copy(file, folder)

    event.listen(Engine, "before_cursor_execute", copy)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", copy)


def schema(path: Path) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_death_in_the_middle_of_one_leaves_the_schema_of_before(
    tmp_path: Path, mode: str
) -> None:
    path, copies = tmp_path / "live" / "pushlog.db", tmp_path / "copies"
    path.parent.mkdir()
    copies.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    with copied_before_each_statement(path, copies):
        migrate(path)
    deaths: dict[str | None, list[Path]] = {}
    for folder in sorted(copies.iterdir()):
        died = folder / path.name
        deaths.setdefault(read_revision(died), []).append(died)
    assert sorted(each or "" for each in deaths) == ["", *REVISIONS[:-1]]
    for found in deaths.values():
        # Whichever statement was the last, nothing of the unfinished migration is there.
        tables = [each for each in schema(found[0]) if "alembic_version" not in each[0]]
        for died in found:
            assert [each for each in schema(died) if "alembic_version" not in each[0]] == tables
        middle = found[len(found) // 2]
        migrate(middle)
        assert schema(middle) == schema(path)


def test_a_database_with_the_newest_schema_is_not_migrated_again(database_path: Path) -> None:
    before = database_path.read_bytes()
    for path, needed in ((database_path, False), (database_path.with_name("new.db"), True)):
        run = subprocess.run(
            [sys.executable, "-c", MIGRATE, path],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.split() == [str(needed)]
        assert read_revision(path) == REVISIONS[-1]
    assert database_path.read_bytes() == before


def test_a_schema_that_no_migration_leads_to_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pushlog.db"
    assert read_revision(path) is None
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
        assert read_revision(path) is None
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('9999')")
    engine.dispose()
    with pytest.raises(NewerSchema, match="has schema 9999, and this PushLog knows none beyond"):
        read_revision(path)
