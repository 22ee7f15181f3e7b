"""Migrations lead from nothing to the declared tables; where they have led nothing is touched."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from server.storage.schema import MIGRATIONS, REVISIONS, NewerSchema, read_revision
from server.storage.tables import metadata
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
