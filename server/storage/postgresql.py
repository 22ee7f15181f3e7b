"""The main database in PostgreSQL."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from server.storage.engines import Engines
from server.storage.journal import table as journal_table
from server.storage.main.noise import SUGGESTED
from server.storage.main.tables import metadata, noise_filters
from server.storage.postgres_driver import CONNECT_ARGS, IDLE_TIMEOUT
from server.storage.schema import REVISIONS, known, upgrade

WRITER_LOCK = 0x9052106
"""The advisory lock of the one writer. A pooler cannot lose it: it ends with its transaction."""

LOCK_TIMEOUT_MS = 5_000

_SHARED = Path(__file__).with_name("shared")

_SEARCH = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX ix_incident_texts_trigrams ON incident_texts USING gin (text gin_trgm_ops)",
)
"""Finds parts of words, as the table `incident_search` does in SQLite."""

_WITH_ITS_INCIDENT = (
    """
    CREATE FUNCTION remove_incident_text() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM incident_texts WHERE id = OLD.text_id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER incidents_delete AFTER DELETE ON incidents
    FOR EACH ROW EXECUTE FUNCTION remove_incident_text()
    """,
)
"""Removes the text of a removed incident, as a trigger of the migrations does in SQLite."""


def migrate(url: str) -> bool:
    """Bring the database to the newest schema; return whether it had no tables before.

    Servers that start together do this one after the other.
    """
    engine = sync_engine(url)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(_LOCK)
            if not connection.dialect.has_table(connection, "alembic_version"):
                _create(connection)
                return True
            found = list(connection.scalars(text("SELECT version_num FROM alembic_version")))
            if known(found, make_url(url).render_as_string()) != REVISIONS[-1]:
                upgrade(_for_driver(url))
        return False
    finally:
        engine.dispose()


def _create(connection: Connection) -> None:
    metadata.create_all(connection)
    suggested = [
        {"pattern": pattern, "about": about, "enabled": False} for pattern, about in SUGGESTED
    ]
    connection.execute(insert(noise_filters), suggested)
    shared = (path.read_text("utf-8") for path in sorted(_SHARED.glob("*.sql")))
    for statement in (*_SEARCH, *_WITH_ITS_INCIDENT, journal_table.SCHEMA, *shared):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
    connection.execute(
        text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": REVISIONS[-1]}
    )


def sync_engine(url: str) -> Engine:
    """Return connections for a program that does one thing after the other."""
    engine = create_engine(_for_driver(url), **_OPTIONS)
    event.listen(engine, "before_cursor_execute", _replace_nul, retval=True)
    return engine


def connect(url: str) -> Engines:
    """Return connections to the database."""
    engine = create_async_engine(_for_driver(url), **_OPTIONS)
    event.listen(engine.sync_engine, "before_cursor_execute", _replace_nul, retval=True)
    in_threads = sync_engine(url)
    return Engines(
        writing=engine,
        reading=engine.execution_options(**_ONE_VIEW),
        writing_in_threads=in_threads,
        reading_in_threads=in_threads.execution_options(**_ONE_VIEW),
        begin_write=_BEGIN_WRITE,
        begin_read=None,
    )


_OPTIONS: dict[str, Any] = {
    # A server that was restarted is found again, without an error that a person sees.
    "pool_pre_ping": True,
    "connect_args": CONNECT_ARGS,
}
_ONE_VIEW: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_LOCK = f"SELECT pg_advisory_xact_lock({WRITER_LOCK})"
_BEGIN_WRITE = (
    f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TIMEOUT.seconds}s'; "
    f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}; {_LOCK}"
)


def _replace_nul(
    _connection: object, _cursor: object, statement: str, parameters: Any, *_: object
) -> tuple[str, Any]:
    """Let no text hold a NUL, which SQLite can store and PostgreSQL cannot."""
    if isinstance(parameters, list):
        return statement, [_without_nul(each) for each in parameters]
    return statement, _without_nul(parameters)


def _without_nul(parameters: Any) -> Any:
    if not isinstance(parameters, dict):
        return parameters
    return {
        name: value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
        for name, value in parameters.items()
    }


def _for_driver(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg")
