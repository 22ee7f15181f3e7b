"""The lease of the leading server, and what the servers say of themselves, in PostgreSQL.

Only PostgreSQL's clock counts, and no lock outlives its transaction, which poolers would lose.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import msgspec
import psycopg
from psycopg.rows import TupleRow

from server.storage.journal.entry import JournalUnavailable
from server.storage.postgres_driver import APPLICATION, CONNECT_ARGS, IDLE_TIMEOUT, why_not
from server.storage.shared.server_row import ServerRow

FORGOTTEN_AFTER_S = 60
"""How long a server that says nothing is listed."""

T = TypeVar("T")


class LeaseTable:
    """A connection for one server's lease. The calls block, and raise `JournalUnavailable`."""

    def __init__(self, url: str, server: str, name: str) -> None:
        self._url = url
        self._server = server
        self._name = name
        self._connection: psycopg.Connection[TupleRow] | None = None

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def lead(self, epoch: int, life: timedelta, said: bytes) -> int:
        """Keep or take the lead for `life`; return the epoch in which this server leads, or 0."""
        asked = (self._server, self._name, epoch, life, said)
        return self._use(lambda connection: _number(connection, asked))

    def leave(self, epoch: int) -> None:
        """End the lead at once, and be no longer listed."""
        self._use(
            lambda connection: connection.execute("SELECT leave(%s, %s)", (self._server, epoch))
        )

    def end_stuck(self, longer_than: timedelta = IDLE_TIMEOUT) -> int:
        """End transactions that wait for the rest of what their server sends; return how many.

        They hold up all others. PostgreSQL ends those itself that wait between two statements,
        but not in the middle of a batch, if the server is gone without a word.
        """
        return self._use(lambda connection: _end_stuck(connection, longer_than))

    def servers(self) -> list[ServerRow]:
        """Return the servers that were there within a minute, the oldest first."""
        return self._use(_servers)

    def _use(self, work: Callable[[psycopg.Connection[TupleRow]], T]) -> T:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self._url, autocommit=True, **CONNECT_ARGS)
            return work(self._connection)
        except psycopg.Error as error:
            # The state of the connection is not known, so the next try uses a new one.
            self.close()
            self._connection = None
            raise JournalUnavailable(why_not(error)) from error


def _number(connection: psycopg.Connection[TupleRow], asked: Sequence[object]) -> int:
    row = connection.execute("SELECT lead(%s, %s, %s, %s, %s)", asked).fetchone()
    return 0 if row is None else int(row[0])


def _end_stuck(connection: psycopg.Connection[TupleRow], longer_than: timedelta) -> int:
    row = connection.execute(_END_STUCK, (APPLICATION, longer_than)).fetchone()
    return 0 if row is None else int(row[0])


def _servers(connection: psycopg.Connection[TupleRow]) -> list[ServerRow]:
    connection.execute(_FORGET, (FORGOTTEN_AFTER_S,))
    rows = connection.execute(_SERVERS)
    names = [field.name for field in msgspec.structs.fields(ServerRow)]
    return [ServerRow(**dict(zip(names, row, strict=True))) for row in rows]


LEADER = "SELECT name FROM servers JOIN leader USING (server) WHERE until > clock_timestamp()"
"""Finds the name of the server that leads, if one does."""

_END_STUCK = """
SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name = %s
AND state = 'active' AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - %s
"""

_FORGET = """
DELETE FROM servers WHERE server IN (
    SELECT server FROM servers WHERE seen < clock_timestamp() - %s * interval '1 second'
    FOR UPDATE SKIP LOCKED
)
"""

_SERVERS = """
SELECT
    servers.server, name, leader.server IS NOT NULL AS leads, started,
    extract(epoch FROM clock_timestamp() - seen)::double precision AS silent_s, said
FROM servers LEFT JOIN leader ON leader.server = servers.server AND until > clock_timestamp()
ORDER BY started, servers.server
"""
