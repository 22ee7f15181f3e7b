"""Which schemas of the main database this PushLog knows."""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL

MIGRATIONS = Path(__file__).with_name("migrations")

REVISIONS = sorted(
    path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")
)
"""Listed by file name, without alembic.

Importing alembic takes a fifth of a start, and most starts have nothing to migrate.
"""


class NewerSchema(RuntimeError):
    """The database was made by a newer PushLog, so its contents would not be understood."""


def read_revision(path: Path, *, at_rest: bool = False) -> str | None:
    """Return the schema of the database at `path`; None if there is no file or no schema yet.

    `at_rest` means that it is a copy that nobody uses, and nothing is created beside it. Raises
    `NewerSchema` if no migration leads to it, and `sqlite3.Error`.
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
    return known(found, str(path))


def known(found: Sequence[str], where: str) -> str | None:
    """Return the schema of the database `where`, whose table ``alembic_version`` has `found`.

    Raises `NewerSchema`.
    """
    unknown = [revision for revision in found if revision not in REVISIONS]
    if unknown:
        raise NewerSchema(
            f"{where} has schema {', '.join(unknown)}, and this PushLog knows none beyond "
            f"{REVISIONS[-1]}: take the PushLog that wrote it, or a newer one, or a backup from "
            "before"
        )
    return found[0] if found else None


def upgrade(url: str | URL) -> None:
    """Run the migrations that the database at this URL of SQLAlchemy's lacks."""
    from alembic import command  # noqa: PLC0415 - see REVISIONS
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")
