"""Which schemas of the main database this PushLog knows."""

import contextlib
import sqlite3
from pathlib import Path

MIGRATIONS = Path(__file__).with_name("migrations")

REVISIONS = sorted(
    path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")
)
"""By name rather than by alembic: to import that takes a fifth of a start, and most find nothing to
migrate."""


class NewerSchema(RuntimeError):
    """The database was made by a newer PushLog; what is in it would not be understood."""


def read_revision(path: Path, *, at_rest: bool = False) -> str | None:
    """The schema of the database at `path`; none where it is not there or has no schema yet.

    `at_rest`: it is a copy that nobody uses, and nothing is made beside it. Raises `NewerSchema`
    where no migration leads to it, and `sqlite3.Error`.
    """
    if not path.exists():
        return None
    uri = f"{path.absolute().as_uri()}?{'mode=ro&immutable=1' if at_rest else 'mode=rw'}"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
        if not connection.execute(
            "SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'"
        ).fetchone():
            return None
        found = [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]
    unknown = [revision for revision in found if revision not in REVISIONS]
    if unknown:
        raise NewerSchema(
            f"{path} has schema {', '.join(unknown)}, and this PushLog knows none beyond "
            f"{REVISIONS[-1]}: take the PushLog that wrote it, or a newer one, or a backup from "
            "before"
        )
    return found[0] if found else None
