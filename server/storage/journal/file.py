"""The journal's SQLite file: its tables, its statements, and what its errors mean.

The calls block and are for one thread: `journal` makes them from threads of its own.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from server.storage.files.free_space import AUTO_VACUUM, PAGES_A_STEP, pages_to_give_back
from server.storage.files.private_files import keep_private
from server.storage.journal import times
from server.storage.journal.entry import (
    Appended,
    Arrival,
    JournalEntry,
    JournalLocked,
    JournalUnavailable,
)

BUSY_TIMEOUT_MS = 500
"""How long another program may hold the file; a sender waits no longer than a second."""

IDENTITY_LIFE_MICROS = 24 * 3600 * 1_000_000
"""How long a repeated delivery is recognized."""

_SWEPT_AN_IDENTITY = 4
"""Rows checked for expiry for each row written.

Expired rows are then never more than about a third of the live ones, without an index by age, and
an idle journal is left alone.
"""

_SWEEP_AT_LEAST = 256
_KEYS_A_QUERY = 500
_ROWS_A_STATEMENT = 32
"""There are few enough lengths for the connection to keep every statement prepared."""

_PAGES_BETWEEN_CHECKPOINTS = 4_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    received INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS identities (
    key BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,
    received INTEGER NOT NULL
) WITHOUT ROWID;
"""

_KNOWN = "SELECT key, seq FROM identities WHERE received > ? AND key IN ({marks})"

REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only",
    sqlite3.SQLITE_BUSY: "another program has locked the file",
    sqlite3.SQLITE_LOCKED: "another program has locked the file",
    sqlite3.SQLITE_CORRUPT: "the file is corrupt: put a copy back, or move it away",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database: put a copy back, or move it away",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written",
}
"""By SQLite's primary result code: what keeps a database from being used."""

T = TypeVar("T")


class JournalFile:
    """The journal's file, open for writing or, with `writable` false, only for reading."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self._path = path
        self._swept_to = b""
        self._sweep_debt = 0
        self._connection = self._explained(lambda: _connect(path, writable))
        try:
            self.last_seq, self.last_received = self._explained(self._read_end)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; the last connection folds the write-ahead log into it."""
        self._connection.close()

    def append(self, arrivals: Sequence[Arrival], received: int) -> list[Appended]:
        """Commit the entries of all `arrivals` that are not known yet, in one transaction.

        All of them are on the disk when this returns. If it raises `JournalUnavailable`, none are,
        unless the disk failed after it had written the commit.
        """
        return self._explained(lambda: self._append(arrivals, received))

    def read(self, after_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        """Return the entries after `after_seq`, in order.

        If there are any, returns at least one, and then at most `limit` entries of `max_bytes` in
        total.
        """
        return self._explained(lambda: self._read(after_seq, limit, max_bytes))

    def seqs_before(self, moments: Sequence[int]) -> list[int | None]:
        """Return the last number given out before each of `moments` (microseconds, ascending).

        The number is 0 if there was none yet, and None if entries of that time are no longer kept.
        """
        return self._explained(lambda: self._seqs_before(moments))

    def read_back(self, before_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        """Return the entries before `before_seq`, newest first, bounded as in `read`."""
        return self._explained(lambda: self._read_back(before_seq, limit, max_bytes))

    def find(self, key: bytes) -> int | None:
        """Return the first entry of the delivery with this identity's key, while it is known."""
        row = self._explained(
            lambda: self._connection.execute(
                "SELECT seq FROM identities WHERE key = ?", (key,)
            ).fetchone()
        )
        return row[0] if row else None

    def remove(self, up_to_seq: int) -> int:
        """Remove entries up to `up_to_seq`, never the newest one; return how many there were.

        It does not wait for the disk: entries that a loss of power brings back are removed again.
        """
        return self._explained(lambda: self._remove(up_to_seq))

    def give_back(self) -> int:
        """Give some of the file's free pages back to the file system; return how many bytes.

        It does not wait for the disk either. A file that was made without `AUTO_VACUUM` keeps them.
        """
        return self._explained(self._give_back)

    def write_nothing(self) -> int:
        """Commit a change that changes nothing, as a proof that the file can be written; return 0.

        It does not wait for the disk.
        """
        return self._explained(self._write_nothing)

    def bytes_that_can_shrink(self) -> int:
        """Return the size of the file; 0 if it was made without `AUTO_VACUUM`."""
        return self._explained(self._bytes_that_can_shrink)

    def used_bytes(self) -> int:
        """Return how many bytes of the file are in use. The rest is free for new entries."""
        return self._explained(self._used_bytes)

    def _append(self, arrivals: Sequence[Arrival], received: int) -> list[Appended]:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        try:
            answers, rows, identities = self._sort_out(arrivals, received)
            self._insert("INSERT INTO entries VALUES", rows)
            if identities:
                self._insert("INSERT OR REPLACE INTO identities VALUES", identities)
                self._sweep(len(identities), received)
            run("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                run("ROLLBACK")
            raise
        self.last_seq += len(rows)
        self.last_received = received
        return answers

    def _insert(self, into: str, rows: Sequence[tuple[object, object, object]]) -> None:
        """Insert many rows with few statements.

        Each statement releases the interpreter lock and waits for the event loop to get it back.
        With one statement for each row, the writer waited far longer than it wrote.
        """
        for start in range(0, len(rows), _ROWS_A_STATEMENT):
            some = rows[start : start + _ROWS_A_STATEMENT]
            marks = ", ".join(("(?, ?, ?)",) * len(some))
            self._connection.execute(f"{into} {marks}", [value for row in some for value in row])

    def _sort_out(
        self, arrivals: Sequence[Arrival], received: int
    ) -> tuple[list[Appended], list[tuple[int, int, bytes]], list[tuple[bytes, int, int]]]:
        """Return the answer to each arrival, and the rows to write for those that are new."""
        known = self._known({each.key for each in arrivals if each.key is not None}, received)
        answers: list[Appended] = []
        rows: list[tuple[int, int, bytes]] = []
        identities: list[tuple[bytes, int, int]] = []
        seq = self.last_seq
        for arrival in arrivals:
            if arrival.key is not None:
                first = known.get(arrival.key)
                if first is not None:
                    answers.append(Appended((first,), duplicate=True))
                    continue
                known[arrival.key] = seq + 1
                identities.append((arrival.key, seq + 1, received))
            seqs = tuple(range(seq + 1, seq + 1 + len(arrival.bodies)))
            rows.extend(zip(seqs, (received,) * len(seqs), arrival.bodies, strict=True))
            answers.append(Appended(seqs, duplicate=False))
            seq += len(seqs)
        return answers, rows, identities

    def _known(self, keys: set[bytes], received: int) -> dict[bytes, int]:
        wanted = list(keys)
        known: dict[bytes, int] = {}
        for start in range(0, len(wanted), _KEYS_A_QUERY):
            some = wanted[start : start + _KEYS_A_QUERY]
            query = _KNOWN.format(marks=",".join("?" * len(some)))
            known.update(self._connection.execute(query, (received - IDENTITY_LIFE_MICROS, *some)))
        return known

    def _sweep(self, written: int, received: int) -> None:
        """Remove expired identities from the next stretch of the table.

        Keys are hashes. In key order, neighbours are on one page; in order of age, each row would
        be on another page.
        """
        self._sweep_debt += written * _SWEPT_AN_IDENTITY
        if self._sweep_debt < _SWEEP_AT_LEAST:
            return
        stretch = self._connection.execute(
            "SELECT key FROM identities WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?",
            (self._swept_to, self._sweep_debt - 1),
        ).fetchone()
        self._connection.execute(
            "DELETE FROM identities WHERE key > ? AND key <= ? AND received <= ?",
            (
                self._swept_to,
                stretch[0] if stretch else b"\xff" * 17,
                received - IDENTITY_LIFE_MICROS,
            ),
        )
        self._swept_to = stretch[0] if stretch else b""
        self._sweep_debt = 0

    def _read(self, after_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        return self._within(
            max_bytes,
            "SELECT seq, received, body FROM entries WHERE seq > ? ORDER BY seq LIMIT ?",
            (after_seq, limit),
        )

    def _read_back(self, before_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        return self._within(
            max_bytes,
            "SELECT seq, received, body FROM entries WHERE seq < ? ORDER BY seq DESC LIMIT ?",
            (before_seq, limit),
        )

    def _within(self, max_bytes: int, query: str, values: tuple[int, int]) -> list[JournalEntry]:
        """Return the rows of `query`, as many as fit in `max_bytes`, but at least one."""
        entries: list[JournalEntry] = []
        size = 0
        cursor = self._connection.execute(query, values)
        try:
            for seq, received, body in cursor:
                size += len(body)
                if entries and size > max_bytes:
                    break
                entries.append(JournalEntry(seq, received, body))
        finally:
            # An open read would keep the write-ahead log from being folded in.
            cursor.close()
        return entries

    def _seqs_before(self, moments: Sequence[int]) -> list[int | None]:
        run = self._connection.execute
        first = run("SELECT seq, received FROM entries ORDER BY seq LIMIT 1").fetchone()
        last = run("SELECT seq FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        if first is None or last is None:
            return [None if self._read_end()[0] else 0 for _ in moments]
        return times.seqs_before(moments, first, last[0], self._at_or_after)

    def _at_or_after(self, seq: int) -> tuple[int, int]:
        found: tuple[int, int] = self._connection.execute(
            "SELECT seq, received FROM entries WHERE seq >= ? ORDER BY seq LIMIT 1", (seq,)
        ).fetchone()
        return found

    def _remove(self, up_to_seq: int) -> int:
        with self._unsynced():
            # The newest entry tells the clock where to go on.
            return self._connection.execute(
                "DELETE FROM entries WHERE seq <= min(?, (SELECT max(seq) FROM entries) - 1)",
                (up_to_seq,),
            ).rowcount

    def _write_nothing(self) -> int:
        with self._unsynced():
            self._connection.execute("UPDATE sqlite_sequence SET seq = seq")
        return 0

    def _give_back(self) -> int:
        before = self._number("page_count")
        wanted = pages_to_give_back(before, self._number("freelist_count"))
        if not wanted:
            return 0
        with self._unsynced():
            # `execute` would take one step of it, and give back one page.
            self._connection.executescript(f"PRAGMA incremental_vacuum({wanted})")
            if wanted < PAGES_A_STEP:
                # Only now the file itself becomes shorter.
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        return (before - self._number("page_count")) * self._number("page_size")

    @contextlib.contextmanager
    def _unsynced(self) -> Iterator[None]:
        """Write without a sync; the next group of entries, which follows in the log, makes one."""
        self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self._connection.execute("PRAGMA synchronous = FULL")

    def _bytes_that_can_shrink(self) -> int:
        if not self._number("auto_vacuum"):
            return 0
        return self._number("page_count") * self._number("page_size")

    def _used_bytes(self) -> int:
        pages = self._number("page_count") - self._number("freelist_count")
        return pages * self._number("page_size")

    def _number(self, pragma: str) -> int:
        return int(self._connection.execute(f"PRAGMA {pragma}").fetchone()[0])

    def _read_end(self) -> tuple[int, int]:
        """Return the last `seq` ever given out, and the stamp of the last entry still there."""
        given = self._connection.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'entries'"
        ).fetchone()
        last = self._connection.execute(
            "SELECT received FROM entries ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        return (given[0] if given else 0), (last[0] if last else 0)

    def _explained(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.Error as error:
            # The low byte is the primary code; the bits above it say where it happened.
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            reason = REASONS.get(code, "SQLite cannot go on")
            locked = code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            kind = JournalLocked if locked else JournalUnavailable
            raise kind(f"{reason} ({self._path}: {error})") from error
        except OSError as error:
            raise JournalUnavailable(f"the file cannot be made ({error})") from error


def _connect(path: Path, writable: bool) -> sqlite3.Connection:
    if writable:
        keep_private(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if writable:
            connection.execute(AUTO_VACUUM)
            connection.execute("PRAGMA journal_mode = WAL")
            # A commit is on the disk when it returns: 202 means that the event stays.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}")
            # Debian's SQLite would write zeros over every page that removed entries leave.
            connection.execute("PRAGMA secure_delete = FAST")
            connection.executescript(_SCHEMA)
        else:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection
