"""Copy an SQLite installation into PostgreSQL: main database and journal, all or nothing."""

import argparse
import contextlib
import itertools
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Table, create_engine, func, insert, select, text
from sqlalchemy import table as sql_table

from scripts.installation import read_installation, say_database
from server.settings import values
from server.settings.settings import Settings
from server.storage.errors import STORAGE_TROUBLE
from server.storage.files.file_lock import InUse, lock_file
from server.storage.files.key_file import read_key
from server.storage.main.tables import metadata, noise_filters, people
from server.storage.pair import why_no_data
from server.storage.postgresql import migrate, sync_engine
from server.storage.schema import REVISIONS, NewerSchema, read_revision

EXIT_FAILED = 1

_NEVER_EMPTY = (people, noise_filters)
"""What a new database brings along: the operator, and the noise filters that are suggested."""

_ROWS_AT_ONCE = 500
_BODIES_AT_ONCE = 200


class Refused(Exception):
    """Nothing was moved; the message says why."""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, `EXIT_FAILED` if nothing was moved, or 2 if a setting is wrong."""
    url = _parser().parse_args(arguments).url
    settings = read_installation("it is there already")
    say_database(settings)
    try:
        if reason := why_no_data(settings):
            raise Refused(reason)
        with lock_file(settings.database_path), lock_file(settings.journal_path):
            moved = move(settings, url)
    except InUse:
        print("scripts/move-to-postgres: stop the server first", file=sys.stderr)
        return EXIT_FAILED
    except (Refused, NewerSchema, *STORAGE_TROUBLE) as error:
        print(f"scripts/move-to-postgres: nothing was moved: {error}", file=sys.stderr)
        return EXIT_FAILED
    for name, rows in moved.items():
        print(f"{name:<22}{rows:>12,}")
    print(
        f"Moved and checked. Set DATABASE_URL to {values.without_password(url)}, with the password,"
        " and start the servers. The files stay as they are: keep them as a backup."
    )
    return 0


def move(settings: Settings, url: str) -> dict[str, int]:
    """Copy everything into the empty database at `url`; return the rows of each table.

    Raises `Refused`, `NewerSchema`, or what the databases raise; then nothing is moved.
    """
    if read_revision(settings.database_path) != REVISIONS[-1]:
        raise Refused("the database has an older schema: run scripts/migrate first")
    migrate(url)
    source = create_engine(f"sqlite:///{settings.database_path}")
    target = sync_engine(url)
    try:
        with (
            source.connect() as old,
            contextlib.closing(sqlite3.connect(settings.journal_path)) as journal,
            target.begin() as new,
        ):
            _check_empty(new)
            moved = {table.name: _copy_table(table, old, new) for table in metadata.sorted_tables}
            moved |= _copy_journal(journal, new)
            key = read_key(settings.mail_key_path)
            if key is not None:
                new.execute(_KEEP_KEY, {"key": key})
            _check(moved, new)
    finally:
        source.dispose()
        target.dispose()
    return moved


def _check_empty(new: Connection) -> None:
    if new.scalar(text("SELECT seq FROM journal_head")):
        raise Refused("there are events in that database already: take an empty one")
    for table in metadata.sorted_tables:
        if table in _NEVER_EMPTY:
            new.execute(table.delete())
        elif new.scalar(select(func.count()).select_from(table)):
            raise Refused(f"the table {table.name} there is not empty: take an empty database")


def copy_rows(table: Table, old: Connection, new: Connection) -> int:
    """Add all rows of the table in `old` to that in `new`; return how many there are."""
    count = 0
    for rows in old.execute(select(table)).partitions(_ROWS_AT_ONCE):
        new.execute(insert(table), [dict(row._mapping) for row in rows])
        count += len(rows)
    return count


def _copy_table(table: Table, old: Connection, new: Connection) -> int:
    count = copy_rows(table, old, new)
    column = table.autoincrement_column
    if column is not None:
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        newest = select(func.coalesce(func.max(column), 0)).scalar_subquery()
        new.execute(select(func.setval(sequence, newest + 1, False)))
    return count


def _copy_journal(journal: sqlite3.Connection, new: Connection) -> dict[str, int]:
    given = journal.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone()
    last = journal.execute("SELECT max(received) FROM entries").fetchone()
    new.execute(
        text("UPDATE journal_head SET seq = :seq, received = :received"),
        {"seq": given[0] if given else 0, "received": last[0] or 0},
    )
    moved = {
        "journal_entries": _copy_of_journal(
            journal.execute("SELECT seq, received, body FROM entries ORDER BY seq"),
            "INSERT INTO journal_entries VALUES (:a, :b, :c)",
            new,
        ),
        "journal_identities": _copy_of_journal(
            journal.execute("SELECT key, seq, received FROM identities"),
            "INSERT INTO journal_identities VALUES (:a, :b, :c)",
            new,
        ),
    }
    new.execute(_MEASURE)
    return moved


def _copy_of_journal(rows: Iterable[tuple[Any, ...]], into: str, new: Connection) -> int:
    count = 0
    for some in _batched(iter(rows)):
        new.execute(text(into), [dict(zip("abc", row, strict=True)) for row in some])
        count += len(some)
    return count


def _batched(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while some := list(itertools.islice(rows, _BODIES_AT_ONCE)):
        yield some


def _check(moved: dict[str, int], new: Connection) -> None:
    for name, rows in moved.items():
        found = new.scalar(select(func.count()).select_from(sql_table(name))) or 0
        if found != rows:
            raise Refused(f"{name} has {found:,} rows there, and {rows:,} were read")


_MEASURE = text(
    "UPDATE journal_head "
    "SET size_bytes = (SELECT coalesce(sum(octet_length(body)), 0) FROM journal_entries)"
)

_KEEP_KEY = text(
    "INSERT INTO installation_keys VALUES ('mail', :key) "
    "ON CONFLICT (name) DO UPDATE SET key = excluded.key"
)


def _url(text_: str) -> str:
    try:
        url = values.database(text_)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not isinstance(url, str):
        raise argparse.ArgumentTypeError("must begin with postgresql://")
    return url


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/move-to-postgres",
        description="Copies the data that DATABASE_URL names (main database, journal and mail "
        "key) into an empty PostgreSQL database, in one transaction, and counts what arrived. The "
        "server must be stopped. The engine goes on where it was.",
        epilog="Exit codes: 0 moved, 1 nothing was moved (the reason is printed), 2 a setting is "
        "wrong.",
    )
    parser.add_argument(
        "url", type=_url, metavar="URL", help="like postgresql://user:password@host/pushlog"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
