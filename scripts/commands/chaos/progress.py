"""Tells how far a server has come, by its databases, from another process."""

import contextlib
import sqlite3
from pathlib import Path


def number(path: Path, query: str) -> int:
    """Return the one number that the query of this database finds; 0 for none."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        ((found,),) = connection.execute(query).fetchall()
    return found if isinstance(found, int) else 0


def newest_entry(journal: Path) -> int:
    """Return the `seq` of the newest entry; 0 before there is one."""
    return number(journal, "SELECT max(seq) FROM entries")


def recorded_seq(database: Path) -> int:
    """Return the entry up to which all decisions are stored."""
    return number(database, "SELECT max(recorded_seq) FROM engine_progress")
