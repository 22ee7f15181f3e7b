"""Check the data in PostgreSQL: whether it can be used, is durable, and has a leading server."""

import time
from collections.abc import Iterator

import psycopg
from psycopg.rows import TupleRow

from scripts.diagnosis.finding import Finding, fail, ok, warn
from server.storage.postgres_driver import CONNECT_ARGS, why_not
from server.storage.schema import REVISIONS
from server.storage.shared.lease import LEADER

_CLOCK_DIFFERENCE_S = 2.0

_NEWEST = "SELECT seq FROM journal_head"
_TROUBLES = "SELECT title, text FROM troubles WHERE closed_at IS NULL ORDER BY id"


def examine_postgresql(url: str) -> Iterator[Finding]:
    """Yield the findings; nothing is changed, and the servers may keep running."""
    try:
        with psycopg.connect(url, **CONNECT_ARGS) as connection:
            yield _durable(connection)
            yield _clock(connection)
            yield from _tables(connection)
    except psycopg.Error as error:
        yield fail("PostgreSQL", f"{why_not(error)}: DATABASE_URL says where it should be")


def _durable(connection: psycopg.Connection[TupleRow]) -> Finding:
    off = [
        name
        for name in ("fsync", "synchronous_commit", "full_page_writes")
        if _one(connection, f"SELECT current_setting('{name}')") == "off"
    ]
    version = _one(connection, "SELECT current_setting('server_version')")
    if off:
        return fail(
            "PostgreSQL",
            f"{' and '.join(off)} off: a crash of its machine loses accepted events. Set to on",
        )
    return ok("PostgreSQL", f"version {version}, and what it has committed is on its disk")


def _clock(connection: psycopg.Connection[TupleRow]) -> Finding:
    # The answer is of the middle of the question, as far as one can tell.
    before = time.time()
    theirs = float(str(_one(connection, "SELECT extract(epoch FROM clock_timestamp())")))
    difference = theirs - (before + time.time()) / 2
    if abs(difference) > _CLOCK_DIFFERENCE_S:
        return warn(
            "PostgreSQL's clock",
            f"{difference:+.1f} s from this machine's: it stamps all events, so keep it with NTP",
        )
    return ok("PostgreSQL's clock", f"{difference:+.1f} s from this machine's")


def _tables(connection: psycopg.Connection[TupleRow]) -> Iterator[Finding]:
    if _one(connection, "SELECT to_regclass('alembic_version') IS NULL"):
        yield warn("database", "there are no tables yet: the first start creates them")
        return
    version, newest = _one(connection, "SELECT version_num FROM alembic_version"), REVISIONS[-1]
    if version not in REVISIONS:
        yield fail("database", f"its schema {version} belongs to a newer PushLog: run that version")
        return
    if version != newest:
        yield warn("database", f"its schema is {version}; the next start brings it to {newest}")
        return
    yield ok("database", f"with the newest schema ({version})")
    yield ok("journal", f"up to entry {_one(connection, _NEWEST)}")
    leading = _one(connection, LEADER)
    if leading is None:
        yield warn("servers", "none leads: nothing is decided, and nobody is told")
    else:
        yield ok("servers", f"{leading} leads")
    found = connection.execute(_TROUBLES).fetchall()
    for title, text in found:
        yield warn("trouble", f"{title}: {text}. The page /troubles says what to do")
    if not found:
        yield ok("trouble", "the servers have noticed none in themselves")


def _one(connection: psycopg.Connection[TupleRow], query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]
