"""How alembic runs the migrations: on the database that `server.storage.schema.upgrade` names.

Each migration is one transaction, including its note in ``alembic_version``. If the process ends in
the middle, the previous schema stays. SQLite can do that, but Python's driver for it would begin a
transaction only before an INSERT or UPDATE, and commit each change of a table by itself.
"""

from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine, event, pool

from server.storage.main.tables import metadata


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
if engine.dialect.name == "sqlite":
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", _begin)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        transactional_ddl=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
