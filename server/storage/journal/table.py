"""The journal in PostgreSQL: its tables, its statements, and what its errors mean.

Any number of servers append to it. `journal_head` is one row, and its lock makes the order of the
numbers the order of the commits, so no reader passes over an entry that is committed late. The
stamps are PostgreSQL's, and never go back, whichever server writes.

A group is one call of `journal_append`, which is a transaction by itself. A server that is stopped
in the middle of it leaves no lock behind.

The calls block and are for one thread: `journal` makes them from threads of its own.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import LiteralString, TypeVar

import psycopg
from psycopg.rows import TupleRow

from server.storage.journal import times
from server.storage.journal.entry import (
    Appended,
    Arrival,
    JournalEntry,
    JournalLocked,
    JournalUnavailable,
)
from server.storage.journal.file import IDENTITY_LIFE_MICROS
from server.storage.postgres_driver import CONNECT_ARGS, why_not

_SWEPT_AN_IDENTITY = 4
"""Expired identities that may be removed for each one written."""

_SWEEP_AT_LEAST = 256

SCHEMA = Path(__file__).with_suffix(".sql").read_text("utf-8")

_APPEND = """
SELECT first_seq, is_duplicate, stamp
FROM journal_append(%b::bytea[], %b::integer[], %b::bytea[], %b)
"""

# Bodies beyond the limit never leave PostgreSQL.
_WITHIN = """
SELECT seq, received, body FROM (
    SELECT
        seq, received, body,
        row_number() OVER (ORDER BY place) AS number,
        sum(octet_length(body)) OVER (ORDER BY place) AS total
    FROM (
        SELECT seq, received, body, {place} AS place FROM journal_entries
        WHERE {condition} ORDER BY {place} LIMIT %(limit)s
    ) AS wanted
) AS counted
WHERE number = 1 OR total <= %(bytes)s
ORDER BY number
"""

_AFTER = _WITHIN.format(place="seq", condition="seq > %(seq)s")
_BEFORE = _WITHIN.format(place="-seq", condition="seq < %(seq)s")

_REMOVE = """
WITH gone AS (
    DELETE FROM journal_entries
    WHERE seq <= %s AND seq < (SELECT max(seq) FROM journal_entries)
    RETURNING octet_length(body) AS size_bytes
), less AS (
    UPDATE journal_head
    SET size_bytes = size_bytes - (SELECT coalesce(sum(size_bytes), 0) FROM gone)
)
SELECT count(*) FROM gone
"""

_SWEEP = """
DELETE FROM journal_identities WHERE key IN (
    SELECT key FROM journal_identities WHERE received <= %s
    ORDER BY received LIMIT %s FOR UPDATE SKIP LOCKED
)
"""

T = TypeVar("T")


class JournalTable:
    """One connection to the journal in the PostgreSQL database at `url`."""

    def __init__(self, url: str) -> None:
        self._sweep_debt = 0
        self._connection = self._explained(lambda: _connect(url))
        try:
            self._explained(self._check_durable)
            self.last_seq, self.last_received = self._explained(self._read_head)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def append(self, arrivals: Sequence[Arrival], received: int) -> list[Appended]:
        """Commit the entries of all `arrivals` that are not known yet, in one transaction.

        PostgreSQL's clock stamps them, so `received` does not count. If this raises
        `JournalUnavailable`, nobody knows whether they are there.
        """
        del received
        return self._explained(lambda: self._append(arrivals))

    def settle(self, seq: int) -> int:
        """Return a time before which no later entry is stamped, if `seq` is the newest; or 0."""
        return self._explained(lambda: self._settle(seq))

    def read_end(self) -> int:
        """Return the last number given out, to any connection."""
        return self._explained(self._read_head)[0]

    def read(self, after_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        """Return the entries after `after_seq`; see `JournalStore`."""
        asked = {"seq": after_seq, "limit": limit, "bytes": max_bytes}
        return self._explained(lambda: self._entries(_AFTER, asked))

    def read_back(self, before_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        """Return the entries before `before_seq`, newest first; see `JournalStore`."""
        asked = {"seq": before_seq, "limit": limit, "bytes": max_bytes}
        return self._explained(lambda: self._entries(_BEFORE, asked))

    def seqs_before(self, moments: Sequence[int]) -> list[int | None]:
        """Return the last number given out before each of `moments`; see `JournalStore`."""
        return self._explained(lambda: self._seqs_before(moments))

    def find(self, key: bytes) -> int | None:
        """Return the first entry of the delivery with this identity's key, while it is known."""
        query = "SELECT seq FROM journal_identities WHERE key = %s"
        row = self._explained(lambda: self._connection.execute(query, (key,)).fetchone())
        return None if row is None else int(row[0])

    def remove(self, up_to_seq: int) -> int:
        """Remove entries up to `up_to_seq`, never the newest one; return how many there were."""
        return self._explained(lambda: self._number(_REMOVE, up_to_seq))

    def give_back(self) -> int:
        """Return 0: PostgreSQL uses the room of removed entries again."""
        return 0

    def write_nothing(self) -> int:
        """Commit a change that changes nothing, as a proof that it can be written; return 0."""
        self._explained(lambda: self._connection.execute("UPDATE journal_head SET seq = seq"))
        return 0

    def bytes_that_can_shrink(self) -> int:
        """Return 0, as `give_back` gives nothing back."""
        return 0

    def used_bytes(self) -> int:
        """Return how many bytes the bodies of all entries have."""
        return self._explained(lambda: self._number("SELECT size_bytes FROM journal_head"))

    def _append(self, arrivals: Sequence[Arrival]) -> list[Appended]:
        keys = [each.key or b"" for each in arrivals]
        counts = [len(each.bodies) for each in arrivals]
        bodies = [body for each in arrivals for body in each.bodies]
        rows = self._connection.execute(
            _APPEND, (keys, counts, bodies, IDENTITY_LIFE_MICROS)
        ).fetchall()
        answers: list[Appended] = []
        for count, (first, is_duplicate, stamp) in zip(counts, rows, strict=True):
            self.last_received = stamp
            if is_duplicate:
                answers.append(Appended((first,), duplicate=True))
                continue
            answers.append(Appended(tuple(range(first, first + count)), duplicate=False))
            self.last_seq = first + count - 1
        self._sweep(sum(1 for key in keys if key))
        return answers

    def _sweep(self, written: int) -> None:
        """Remove expired identities; those in use by another server just now, another time."""
        self._sweep_debt += written * _SWEPT_AN_IDENTITY
        if self._sweep_debt < _SWEEP_AT_LEAST:
            return
        # The group is on the disk, whatever becomes of this.
        with contextlib.suppress(psycopg.Error):
            self._connection.execute(
                _SWEEP, (self.last_received - IDENTITY_LIFE_MICROS, self._sweep_debt)
            )
        self._sweep_debt = 0

    def _settle(self, seq: int) -> int:
        return self._number(
            "UPDATE journal_head SET received = greatest(received, micros_now()) "
            "WHERE seq = %s RETURNING received",
            seq,
        )

    def _entries(self, query: LiteralString, asked: Mapping[str, object]) -> list[JournalEntry]:
        rows = self._connection.execute(query, asked, binary=True)
        return [JournalEntry(*row) for row in rows]

    def _seqs_before(self, moments: Sequence[int]) -> list[int | None]:
        first = self._connection.execute(
            "SELECT seq, received FROM journal_entries ORDER BY seq LIMIT 1"
        ).fetchone()
        last_seq = self._number("SELECT max(seq) FROM journal_entries")
        if first is None:
            return [None if self._read_head()[0] else 0 for _ in moments]
        return times.seqs_before(moments, (first[0], first[1]), last_seq, self._at_or_after)

    def _at_or_after(self, seq: int) -> tuple[int, int]:
        return self._pair(
            "SELECT seq, received FROM journal_entries WHERE seq >= %s ORDER BY seq LIMIT 1", seq
        )

    def _read_head(self) -> tuple[int, int]:
        return self._pair("SELECT seq, received FROM journal_head")

    def _pair(self, query: LiteralString, *values: object) -> tuple[int, int]:
        row = self._connection.execute(query, values).fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    def _number(self, query: LiteralString, *values: object) -> int:
        row = self._connection.execute(query, values).fetchone()
        return 0 if row is None else int(row[0] or 0)

    def _check_durable(self) -> None:
        row = self._connection.execute("SELECT current_setting('synchronous_commit')").fetchone()
        if row is not None and row[0] == "off":
            raise JournalUnavailable(
                "PostgreSQL's setting synchronous_commit is off, so that accepted events could be "
                "lost: set it to on for this database"
            )

    def _explained(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except psycopg.errors.LockNotAvailable as error:
            raise JournalLocked("the other servers' groups take too long") from error
        except psycopg.Error as error:
            raise JournalUnavailable(why_not(error)) from error


def _connect(url: str) -> psycopg.Connection[TupleRow]:
    return psycopg.connect(url, autocommit=True, **CONNECT_ARGS)
