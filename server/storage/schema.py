"""Which schemas of the main database this PushLog knows."""

import contextlib
import sqlite3
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

MIGRATIONS = Path(__file__).with_name("migrations")


class NewerSchema(RuntimeError):
    """The database was made by a newer PushLog; what is in it would not be understood."""


def migrations() -> Config:
    """What alembic needs to know of them."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def refuse_newer_schema(path: Path, *, at_rest: bool = False) -> None:
    """Raise `NewerSchema` where no migration leads to the schema of the database at `path`.

    One that is not there, or that has no schema yet, is none. `at_rest`: it is a copy that nobody
    uses, and nothing is made beside it. Raises `sqlite3.Error`.
    """
    if not path.exists():
        return
    known = {
        script.revision for script in ScriptDirectory.from_config(migrations()).walk_revisions()
    }
    uri = f"{path.absolute().as_uri()}?{'mode=ro&immutable=1' if at_rest else 'mode=rw'}"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
        if not connection.execute(
            "SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'"
        ).fetchone():
            return
        found = [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]
    unknown = [revision for revision in found if revision not in known]
    if unknown:
        raise NewerSchema(
            f"{path} has schema {', '.join(unknown)}, and this PushLog knows none beyond "
            f"{max(known)}: take the PushLog that wrote it, or a newer one, or a backup from before"
        )
