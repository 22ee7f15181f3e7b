"""Copy both databases so that they belong together, while a server writes to them.

The order in which the two views begin makes them a pair: first the main database's, then the
journal's. An entry is committed to the journal before the engine sees it. So whatever the main
database says about an entry, a view of the journal that begins later holds that entry. In the other
order, the watermark and decisions could be about entries that the copy of the journal does not
have. The order in which the views are then copied does not matter. The journal is copied first, so
that its write-ahead log is kept from being folded in no longer than necessary.

Each view is one read transaction, held open while SQLite's backup API copies it in steps; in WAL
mode, a reader keeps no writer waiting. Without it, every step would begin its own read, and start
from the first page again after each commit of the server. On a journal of 200 MB with a commit
every few milliseconds, that happened 700 times in 8 s, with no end. `VACUUM INTO` also reads one
view, but writes as fast as it can, and so would the backup API alone: a commit that must be on the
disk waited behind all of it for 0.5 to 1.0 s, and a sender waits for one second. A step here is
small, is on the disk before the next one, and is followed by a pause. The copy takes 4 s instead of
2, and the worst commit beside it, 0.04 to 0.11 s, is like those without a copy.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

_PAGES_A_STEP = 256
_PAUSE_S = 0.005
"""The pause after each step. The driver's own `sleep` parameter waits only on a locked source."""

_BUSY_TIMEOUT_MS = 5_000


class Inconsistent(Exception):
    """A copy is damaged, or the two do not belong together; the reason is for people."""


class Reach(msgspec.Struct, frozen=True):
    """How far the two go: the last entry's number, and what the main database says of entries."""

    last_seq: int
    watermark: int
    recorded_seq: int


def copy_databases(database: Path, journal: Path, database_copy: Path, journal_copy: Path) -> None:
    """Copy both as they are at one moment, into files that do not exist yet.

    The copies are on the disk when this returns, each a single file. Raises `sqlite3.Error`,
    OSError, and `Inconsistent` if the two belong to different installations.
    """
    with _view(database) as main, _view(journal) as entries:
        _reach(main, entries)
        _copy(entries, journal_copy)
        _copy(main, database_copy)


def examine_copies(database: Path, journal: Path) -> Reach:
    """Read two copies from end to end. Raises `Inconsistent` with what is wrong."""
    try:
        with _copy_of(database) as main, _copy_of(journal) as entries:
            for path, connection in ((database, main), (journal, entries)):
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise Inconsistent(f"{path} is damaged: {found}")
            return _reach(main, entries)
    except sqlite3.Error as error:
        raise Inconsistent(f"{database.parent} is damaged: {error}") from error


@contextlib.contextmanager
def _view(path: Path) -> Iterator[sqlite3.Connection]:
    # Not read-only: without a server, SQLite must make the files beside one in WAL mode.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        # The view begins with the first read.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield connection


@contextlib.contextmanager
def _copy_of(path: Path) -> Iterator[sqlite3.Connection]:
    # Immutable: nothing is locked or made beside it, so that it may be where nobody can write.
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
        yield connection


def _copy(view: sqlite3.Connection, target: Path) -> None:
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:

        def step_done(_status: int, remaining: int, _total: int) -> None:
            os.fsync(descriptor)
            if remaining:
                time.sleep(_PAUSE_S)

        with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy:
            # An unfinished copy is thrown away, so nothing needs to be undone in it.
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")
            view.backup(copy, pages=_PAGES_A_STEP, progress=step_done)
        with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy:
            # One file, without a log beside it. The server turns the log on again.
            copy.execute("PRAGMA journal_mode = DELETE")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reach(main: sqlite3.Connection, entries: sqlite3.Connection) -> Reach:
    (first,) = entries.execute("SELECT coalesce(min(seq), 0) FROM entries").fetchone()
    given = entries.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone()
    row = main.execute("SELECT watermark, recorded_seq FROM engine_progress").fetchone()
    reach = Reach(given[0] if given else 0, *(row or (0, 0)))
    decided = max(reach.watermark, reach.recorded_seq)
    if decided > reach.last_seq:
        raise Inconsistent(
            "main database and journal do not belong together: the journal ends with entry "
            f"{reach.last_seq}, and the other tells of entry {decided}"
        )
    # A database that has decided nothing begins with whatever the journal has.
    if decided > 0 and reach.watermark + 1 < first:
        raise Inconsistent(
            "main database and journal do not belong together: the journal begins with entry "
            f"{first}, and the engine would go on after entry {reach.watermark}"
        )
    return reach
